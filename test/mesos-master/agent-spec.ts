/** How a test describes an agent, and what it becomes. */

import type { AgentInfo, Domain } from './core/model.ts';
import { scalar, type Range, type Reservation, type Resource, type Resources } from './resources.ts';
import type { TaskRunner } from './runner/runner.ts';
import type { AttributeJson } from './wire/event.ts';

export interface Amounts {
  readonly cpus?: number;
  /** MiB. */
  readonly mem?: number;
  /** MiB. */
  readonly disk?: number;
  readonly gpus?: number;
  readonly ports?: readonly Range[];
}

export interface AgentSpec {
  /** Default: `agent-<index>`. */
  readonly name?: string;
  readonly hostname?: string;
  /** 0: any free one. */
  readonly port?: number;
  /** False: no HTTP on its port, which is then invented; for many agents. */
  readonly http?: boolean;
  readonly resources?: Amounts;
  /** `refines`: the reservations that this one was made out of, of roles above its role. */
  readonly reserved?: readonly (Amounts & Partial<Reservation> & { readonly role: string; readonly refines?: readonly Reservation[] })[];
  /** Text, number or ranges. Mesos knows no attributes that are sets. */
  readonly attributes?: Readonly<Record<string, string | number | readonly Range[]>>;
  /** Only with a master that has one too. */
  readonly domain?: Domain;
  /** False: as agents before 1.10, it knows no limits apart from resources. */
  readonly limitsResources?: boolean;
  /** Default: the stand-in's. */
  readonly runner?: TaskRunner;
  /** How many executors it can start each second; default: no limit. A real one on 2 cores: 2.5 to 3. */
  readonly launchesPerSecond?: number;
  /** Tasks of the Mesos containerizer with a Docker image can run. */
  readonly provisionsImages?: boolean;
}

const USUAL: Amounts = { cpus: 4, mem: 4096, disk: 10_000, ports: [[31_000, 32_000]] };

export function agentInfo(spec: AgentSpec, port: number): Omit<AgentInfo, 'scheme'> {
  return {
    hostname: spec.hostname ?? 'localhost',
    port,
    resources: [
      ...amounts(spec.resources ?? USUAL, undefined),
      ...(spec.reserved ?? []).flatMap((one) => amounts(one, [...(one.refines ?? []), reservationOf(one)])),
    ],
    attributes: Object.entries(spec.attributes ?? {}).map(([name, value]) => attributeOf(name, value)),
    ...(spec.domain === undefined ? {} : { domain: spec.domain }),
    limitsResources: spec.limitsResources ?? true,
  };
}

function amounts(given: Amounts, reservations: readonly Reservation[] | undefined): Resources {
  const reserved = reservations === undefined ? {} : { reservations };
  const scalars = (['cpus', 'mem', 'disk', 'gpus'] as const).flatMap((name): Resource[] => {
    const amount = given[name];
    return amount === undefined ? [] : [{ ...scalar(name, amount), ...reserved }];
  });
  return given.ports === undefined ? scalars : [{ name: 'ports', ranges: given.ports, ...reserved }, ...scalars];
}

function reservationOf(given: NonNullable<AgentSpec['reserved']>[number]): Reservation {
  const { type = 'STATIC', role, principal } = given;
  return principal === undefined ? { type, role } : { type, role, principal };
}

function attributeOf(name: string, value: string | number | readonly Range[]): AttributeJson {
  if (typeof value === 'string') return { name, type: 'TEXT', text: { value } };
  if (typeof value === 'number') return { name, type: 'SCALAR', scalar: { value } };
  return { name, type: 'RANGES', ranges: { range: value.map(([begin, end]) => ({ begin, end })) } };
}
