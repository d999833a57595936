/** Random definitions: schedules from seconds to days, dependencies, every policy. What a task does is told by its labels (see mesos-agent.ts). */

import { checkEdit } from '../../src/job/check-edit.ts';
import type { JobGraph } from '../../src/job/graph.ts';
import { nodeOfSpec } from '../../src/job/resolve-job.ts';
import type { JobSpec } from '../../src/job/spec.ts';
import { validateSpec } from '../../src/job/validate-spec.ts';
import type { Random } from './random.ts';

export interface WorkloadStyle {
  /** Shortest time between two nominal times, in seconds. */
  readonly shortestPeriod: number;
  readonly longestPeriod: number;
  /** How long tasks run, at most, in seconds. */
  readonly longestTask: number;
  readonly failRate: number;
  readonly dependentShare: number;
  readonly manualShare: number;
  /** Most dependent jobs hang from the same few: wide fans and joins. */
  readonly hasHubs: boolean;
}

export function drawStyle(random: Random): WorkloadStyle {
  return {
    shortestPeriod: Math.round(random.logarithmic(20, 3_600)),
    longestPeriod: Math.round(random.logarithmic(3_600, 200_000)),
    longestTask: Math.round(random.logarithmic(5, 3_600)),
    failRate: random.pick([0, 0.1, 0.3, 0.6]),
    dependentShare: random.pick([0.2, 0.5, 0.7]),
    manualShare: random.pick([0, 0.1, 0.2]),
    hasHubs: random.chance(0.3),
  };
}

/** Short simulations get short periods and tasks, so that something happens in them. */
export function fitStyle(style: WorkloadStyle, hours: number): WorkloadStyle {
  const longestPeriod = Math.max(style.shortestPeriod + 1, Math.min(style.longestPeriod, hours * 700));
  const shortestPeriod = Math.min(style.shortestPeriod, Math.max(20, hours * 60));
  return { ...style, shortestPeriod, longestPeriod, longestTask: Math.min(style.longestTask, Math.max(30, hours * 400)) };
}

/** A definition that the graph takes; undefined when chance found none. */
export function drawSpec(
  random: Random,
  name: string,
  context: { readonly graph: JobGraph; readonly style: WorkloadStyle; readonly now: number },
): JobSpec | undefined {
  const { graph, style, now } = context;
  for (let tries = 0; tries < 8; tries++) {
    const input = drawInput(random, name, context);
    const others = [...graph.names()].filter((other) => other !== name);
    const draw = random.next();
    const isDependent = draw < style.dependentShare && others.length > 0;
    if (isDependent) Object.assign(input, drawParents(random, style.hasHubs && random.chance(0.8) ? others.slice(0, 2) : others));
    else if (draw < 1 - style.manualShare) Object.assign(input, drawSchedule(random, style, now));
    const spec = fitting(graph, name, input) ?? (isDependent ? fitting(graph, name, { ...input, join: 'latest' }) : undefined);
    if (spec) return spec;
  }
  return undefined;
}

function fitting(graph: JobGraph, name: string, input: Record<string, unknown>): JobSpec | undefined {
  const checked = validateSpec(input, 0);
  if (!checked.ok)
    throw new Error(`the workload made a definition that is refused: ${JSON.stringify(checked.issues)} ${JSON.stringify(input)}`);
  return checkEdit(graph, { type: 'put', name, node: nodeOfSpec(checked.spec) }).ok ? checked.spec : undefined;
}

function drawInput(random: Random, name: string, { style }: { readonly style: WorkloadStyle }): Record<string, unknown> {
  const meanMs = Math.round(random.logarithmic(200, style.longestTask * 1_000));
  // Tasks that hang need a time-out, or they would run for ever.
  const hangs = random.chance(0.1);
  const maybe = (probability: number, fields: () => Record<string, unknown>): Record<string, unknown> =>
    random.chance(probability) ? fields() : {};
  return {
    name,
    task: { command: 'work', cpus: random.pick([0.1, 0.5, 1, 2]), mem: random.pick([32, 128, 512]) },
    labels: {
      meanMs: String(meanMs),
      failRate: String(random.chance(0.5) ? style.failRate : 0),
      rejectRate: String(random.chance(0.1) ? 0.3 : 0),
      hangRate: hangs ? '0.2' : '0',
    },
    ...maybe(0.6, () => ({ retry: drawRetry(random) })),
    ...maybe(hangs ? 1 : 0.3, () => ({ timeout: seconds(Math.max(1, Math.round((meanMs / 1000) * random.logarithmic(0.5, 6)))) })),
    ...maybe(0.3, () => ({ killGrace: seconds(random.int(0, 20)) })),
    ...maybe(0.5, () => ({ overlap: random.pick(['forbid', 'queue', 'allow', 'replace']) })),
    ...maybe(0.3, () => ({ startingDeadline: seconds(Math.round(random.logarithmic(2, 3_600))) })),
    ...maybe(0.5, () => ({ catchUp: random.pick(['none', 'last', 'all']) })),
    ...maybe(0.4, () => ({ priority: random.int(0, 9) })),
    ...maybe(0.1, () => ({ suspended: true })),
    ...maybe(0.4, () => ({ keepRuns: random.int(1, 10) })),
    ...maybe(0.5, () => ({ unreachableTimeout: seconds(Math.round(random.logarithmic(1, 1_200))) })),
    ...maybe(0.25, () => drawConstraint(random)),
  };
}

/** One that counts is put to the test only by jobs that run side by side. */
function drawConstraint(random: Random): Record<string, unknown> {
  const constraint = random.pick([
    ['rack', 'LIKE', 'a|b'],
    ['rack', 'UNLIKE', 'a'],
    ['rack', 'IN', '{b,c}'],
    ['rack', 'EQUALS', 'a'],
    ['@hostname', 'MAX_PER', '2'],
    ['rack', 'GROUP_BY'],
    ['rack', 'GROUP_BY', '3'],
    ['@hostname', 'GROUP_BY'],
    ['rack', 'CLUSTER'],
    ['@hostname', 'UNIQUE'],
  ]);
  return { constraints: [constraint], ...(random.chance(0.5) ? { overlap: 'allow' } : {}) };
}

function drawRetry(random: Random): Record<string, unknown> {
  const delay = random.int(0, 90);
  return {
    attempts: random.int(1, 5),
    delay: seconds(delay),
    factor: random.pick([1, 1.5, 2, 3]),
    maxDelay: seconds(delay + random.int(0, 300)),
    jitter: random.pick([0, 0.1, 0.5, 1]),
    ...(random.chance(0.2) ? { on: [75, 137] } : {}),
  };
}

function drawParents(random: Random, others: readonly string[]): Record<string, unknown> {
  const count = Math.min(others.length, random.pick([1, 1, 1, 2, 2, 3]));
  const parents = new Set<string>();
  while (parents.size < count) parents.add(random.pick(others));
  const after = [...parents].map((job) => (random.chance(0.6) ? job : { job, on: random.pick(['success', 'failure', 'completion']) }));
  return { after };
}

const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/St_Johns'] as const;

function drawSchedule(random: Random, style: WorkloadStyle, now: number): Record<string, unknown> {
  const zone = random.chance(0.5) ? { timeZone: random.pick(ZONES) } : {};
  if (random.chance(0.35)) return { schedule: drawCron(random, style), ...zone };
  if (random.chance(0.15)) return { schedule: drawCalendar(random, now), ...zone };
  const period = Math.round(random.logarithmic(style.shortestPeriod, style.longestPeriod));
  const length = period > 80_000 && random.chance(0.7) ? 'P1D' : `PT${period}S`;
  const count = random.chance(0.2) ? String(random.pick([0, 1, 2, random.int(3, 20)])) : '';
  const start = random.chance(0.4) ? '' : new Date(now + random.int(-200_000, 20_000) * 1_000).toISOString();
  return { schedule: `R${count}/${start}/${length}`, ...zone };
}

/** Of days and longer, from an anchor that may be years back; many have a nominal time that is near, some have none left. */
function drawCalendar(random: Random, now: number): string {
  const anchor = new Date(now + (random.chance(0.6) ? random.int(0, 3_000) : random.int(-20_000, 60_000)) * 1_000);
  anchor.setUTCFullYear(anchor.getUTCFullYear() - random.int(0, 20));
  const count = random.pick(['', '', '', String(random.int(0, 3)), '5000']);
  return `R${count}/${anchor.toISOString()}/${random.pick(['P1D', 'P1W', 'P1M', 'P1M', 'P1Y', 'P1DT1H', 'PT36H'])}`;
}

function drawCron(random: Random, { shortestPeriod }: WorkloadStyle): string {
  const rare = ['15 9 15W * *', '0 9 * * MON#2', '0 0 ? JAN-DEC FRI', '30 2 29 2 *', 'H H H H ?', 'H H ? * H'];
  // Days of the kind that a simulation begins on (STARTS in simulation.ts), through most hours of them.
  const special = ['*/9 * L * *', '*/7 * ? * 0L', '*/6 * * * SUN#1,SUN#2', '*/8 0-22 * * SAT#1', '*/5 * LW * *', '*/10 * 15W,1W,LW * 5L'];
  const slow = [
    random.pick(rare),
    'H(0-5) * * * *',
    '5-50/15 * * * *',
    '0 * * * *',
    'H * * * *',
    'H/20 * * * *',
    '@hourly',
    '30 1-3 * * *',
    '@daily',
    '15 2 * * *',
    '0 3 L * *',
    'H H * * *',
    'H/25 H(0-3),4-23 * * *',
    '45 30 */2 * * *',
    random.pick(special),
    // Not of every hour: in a repeated hour once, and what a gap leaves out at its end.
    '*/10 0-22 * * *',
    '*/12 1-23 * * *',
    '5,35 */1 * * *',
  ];
  const fast = ['* * * * *', '*/5 * * * *', '*/30 * * * * *', '10,40 * * * *', '*/20 */2 0-22 * * *', '*/4 1-23 * * *'];
  return random.pick(shortestPeriod < 200 ? [...slow, ...fast, ...fast] : slow);
}

const seconds = (count: number): string => `PT${count}S`;
