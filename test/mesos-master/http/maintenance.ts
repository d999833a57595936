/** The operators' maintenance endpoints: /maintenance/schedule, /maintenance/status, /machine/down, /machine/up. */

import { machineOf } from '../core/machines.ts';
import { setSchedule, startMaintenance, stopMaintenance, type Window } from '../core/maintenance.ts';
import { unavailabilityToJson } from '../core/inverse-offers.ts';
import type { MachineId, MasterState, Unavailability } from '../core/model.ts';
import { ConversionError, convert, message, optional, repeated, required, type Message } from '../wire/schema.ts';
import { answer, answerJson, answerNotAllowed, answerText, type Exchange } from './exchange.ts';
import { parseJson } from './json-body.ts';

const machineId = message({ hostname: optional('string'), ip: optional('string') });
const time = message({ nanoseconds: required('integer') });
const unavailability = message({ start: required(time), duration: optional(time) });
const scheduleSchema = message({
  windows: repeated(message({ machine_ids: repeated(machineId), unavailability: required(unavailability) })),
});
const machinesSchema = message({ machines: repeated(machineId) });

interface ScheduleJson {
  readonly windows?: readonly {
    readonly machine_ids?: readonly Partial<MachineId>[];
    readonly unavailability: { readonly start: { readonly nanoseconds: number }; readonly duration?: { readonly nanoseconds: number } };
  }[];
}

/** Undefined: not one of these paths. */
export function maintenanceEndpoint(path: string): ((master: MasterState, exchange: Exchange) => void) | undefined {
  return ENDPOINTS[path];
}

const ENDPOINTS: Readonly<Record<string, (master: MasterState, exchange: Exchange) => void>> = {
  '/maintenance/schedule': (master, exchange) => {
    if (exchange.method === 'GET') return answerJson(exchange, scheduleView(master));
    if (exchange.method !== 'POST') return answerNotAllowed(exchange, 'GET', 'POST');
    return withBody(exchange, scheduleSchema, (body) => setSchedule(master, windowsOf(body as ScheduleJson)));
  },
  '/maintenance/status': (master, exchange) =>
    exchange.method === 'GET' ? answerJson(exchange, statusView(master)) : answerNotAllowed(exchange, 'GET'),
  '/machine/down': (master, exchange) => onMachines(exchange, (ids) => startMaintenance(master, ids)),
  '/machine/up': (master, exchange) => onMachines(exchange, (ids) => stopMaintenance(master, ids)),
};

function onMachines(exchange: Exchange, act: (ids: readonly MachineId[]) => string | undefined): void {
  if (exchange.method !== 'POST') return answerNotAllowed(exchange, 'POST');
  return withBody(exchange, machinesSchema, (body) =>
    act((body as { machines?: readonly Partial<MachineId>[] }).machines?.map(whole) ?? []),
  );
}

/** The body as converted, or a 400; the act returns Mesos's words for what is wrong. A list stands for its machines. */
function withBody(exchange: Exchange, schema: Message, act: (body: unknown) => string | undefined): void {
  const json = parseJson(exchange.body.toString('utf8'));
  if ('error' in json) return answerText(exchange, 400, json.error);
  try {
    const error = act(convert(Array.isArray(json.value) ? { machines: json.value } : json.value, schema));
    if (error !== undefined) answerText(exchange, 400, error);
    else answer(exchange, { status: 200 });
  } catch (error) {
    if (!(error instanceof ConversionError)) throw error;
    answerText(exchange, 400, error.message);
  }
}

function windowsOf({ windows = [] }: ScheduleJson): Window[] {
  return windows.map(({ machine_ids = [], unavailability: { start, duration } }) => ({
    machines: machine_ids.map(whole),
    unavailability: { startMs: start.nanoseconds / 1e6, ...(duration === undefined ? {} : { durationMs: duration.nanoseconds / 1e6 }) },
  }));
}

function whole({ hostname = '', ip = '' }: Partial<MachineId>): MachineId {
  return { hostname, ip };
}

/** Machines with the same plan share a window. */
function scheduleView(master: MasterState): object {
  const windows = new Map<string, { readonly ids: MachineId[]; readonly planned: Unavailability }>();
  for (const { id, unavailability: planned } of master.registry.machines.values()) {
    const key = JSON.stringify(planned);
    const window = windows.get(key) ?? { ids: [], planned };
    window.ids.push(id);
    windows.set(key, window);
  }
  if (windows.size === 0) return {};
  return {
    windows: [...windows.values()].map(({ ids, planned }) => ({ machine_ids: ids, unavailability: unavailabilityToJson(planned) })),
  };
}

function statusView(master: MasterState): object {
  const machines = [...master.registry.machines.values()];
  const draining = machines.filter(({ mode }) => mode === 'DRAINING').map(({ id }) => ({ id, ...answersOn(master, id) }));
  const down = machines.filter(({ mode }) => mode === 'DOWN').map(({ id }) => id);
  return {
    ...(draining.length === 0 ? {} : { draining_machines: draining }),
    ...(down.length === 0 ? {} : { down_machines: down }),
  };
}

function answersOn(master: MasterState, id: MachineId): object {
  const agents = [...master.agents.values()].filter((agent) => machineOf(agent.info, master.registry)?.id === id);
  const statuses = agents.flatMap((agent) =>
    [...agent.answers].map(([frameworkId, { status, at }]) => ({
      status,
      framework_id: { value: frameworkId },
      timestamp: { nanoseconds: at * 1e6 },
    })),
  );
  return statuses.length === 0 ? {} : { statuses };
}
