/** The end of a simulation: without faults everything due is decided within a bound, and once jobs are suspended everything ends. */

import type { RunRecord } from '../../src/engine/records.ts';
import type { JobSpec } from '../../src/job/spec.ts';
import { type AttributesOf, mayBeOn } from '../invariants/placement-rules.ts';
import { ownTimes } from '../invariants/nominal-time-rules.ts';
import { InvariantViolation } from '../invariants/violation.ts';
import type { SimNode } from './sim-node.ts';
import type { Simulation } from './simulation.ts';

const MINUTE_MS = 60_000;
/** Without faults nothing due stays undecided for so long. */
const LATEST_MS = 30_000;
/** After what the last fault led to, a leader and its executor are there within this. */
const LED_WITHIN_MS = MINUTE_MS;
/** Looks at the rest this often. */
const LOOK_MS = 5 * MINUTE_MS;

export async function drain(simulation: Simulation): Promise<void> {
  const { time } = simulation;
  const node = simulation.living.find((candidate) => candidate.isServing);
  if (node) simulation.perform(() => simulation.traffic.maintain(simulation.apiOf(node), false));
  await time.run(time.now + LED_WITHIN_MS);
  const leader = await leaderOf(simulation);
  checkDecided(simulation, { leader, quarantined: leader.engine?.quarantined ?? new Set() });
  await simulation.outliveQuarantine();
  checkDecided(simulation, { leader: await leaderOf(simulation), quarantined: new Set() });
  await suspendAll(simulation);
  await settle(simulation);
  checkTakeover(simulation);
  simulation.recorder.invariants.onQuiet();
  checkCopies(simulation);
  checkAgents(simulation);
}

/** replica: every node has what is stored. */
function checkCopies({ cluster, living }: Simulation): void {
  const stored = new Map(cluster.entries().map(({ key, value }) => [key, value]));
  for (const { id, replica } of living) {
    const copy = replica.list('');
    const wrong = copy.find(({ key, value }) => stored.get(key) !== value);
    if (wrong)
      throw new InvariantViolation('replica', `${id} has ${wrong.key} = ${wrong.value}, which is ${stored.get(wrong.key) ?? 'deleted'}`);
    if (copy.length !== stored.size) throw new InvariantViolation('replica', `${id} has ${copy.length} keys of ${stored.size}`);
  }
}

/** strays: nothing runs, and nothing waits to be acknowledged. */
function checkAgents({ master }: Simulation): void {
  for (const { id, tasks } of master.agents) {
    for (const { launch, phase, updates } of tasks.values()) {
      if (phase === 'over' && updates.length === 0) continue;
      throw new InvariantViolation('strays', `${launch.taskId} is ${phase} on ${id}, with ${updates.length} updates to be acknowledged`, [
        launch.job,
      ]);
    }
  }
}

/** A job that is let go from its quarantine costs a change of leader, at any time. */
async function leaderOf({ living, time }: Simulation): Promise<SimNode> {
  for (let waitedMs = 0; waitedMs <= LATEST_MS; waitedMs += 1_000) {
    const leader = living.find(({ leadership }) => leadership.term !== undefined && leadership.isExecutorUp);
    if (leader) return leader;
    await time.run(time.now + 1_000);
  }
  const leads = living.some(({ leadership }) => leadership.term !== undefined);
  throw new InvariantViolation('liveness', leads ? 'the executor is not connected' : 'nobody leads');
}

/** liveness: everything due is decided, but for what is in quarantine. */
function checkDecided(
  simulation: Simulation,
  { leader, quarantined }: { readonly leader: SimNode; readonly quarantined: ReadonlySet<string> },
): void {
  const { history } = simulation.recorder.invariants;
  const now = leader.clock.now();
  for (const job of history.jobs.values()) {
    const record = job.versions.at(-1)?.record;
    if (!record || record.spec.suspended || record.spec.schedule === undefined || quarantined.has(job.name)) continue;
    const { state } = job;
    if (state?.uid !== record.uid) throw new InvariantViolation('liveness', `${job.name} has no state`, [job.name]);
    const schedule = history.scheduleOf(job.name, record.uid, record.scheduledSince)?.schedule;
    const next = ownTimes(schedule, state)?.next(state.cursor);
    if (next !== undefined && next < now - LATEST_MS) {
      throw new InvariantViolation(
        'liveness',
        `${job.name} for ${new Date(next).toISOString()} is not decided at ${new Date(now).toISOString()}`,
        [job.name],
      );
    }
  }
}

async function suspendAll(simulation: Simulation): Promise<void> {
  const { time, living } = simulation;
  const node = living.find((candidate) => candidate.isServing);
  if (!node) throw new InvariantViolation('liveness', 'no node serves');
  for (let tries = 0; tries < 5; tries++) {
    simulation.perform(async () => {
      const api = simulation.apiOf(node);
      for (const definition of api.definitions()) if (!definition.spec.suspended) await simulation.traffic.toggle(api, definition);
    });
    await time.run(time.now + MINUTE_MS);
  }
  const running = simulation
    .apiOf(node)
    .definitions()
    .find(({ spec }) => !spec.suspended);
  if (running) throw new InvariantViolation('liveness', `${running.spec.name} could not be suspended`, [running.spec.name]);
}

/**
 * Until no run is open. As long as something moves it may take its time; what can't be placed is killed. A leader whose clock was an
 * hour ahead may have put off an attempt by as much.
 */
async function settle(simulation: Simulation): Promise<void> {
  const { time, style } = simulation;
  const patienceMs = 6 * style.longestTask * 1_000 + 105 * MINUTE_MS;
  let seen = '';
  let movedAt = time.now;
  for (;;) {
    const open = openRuns(simulation);
    if (open.length === 0) break;
    const now = JSON.stringify(open);
    if (now !== seen) movedAt = time.now;
    seen = now;
    if (time.now - movedAt > patienceMs) {
      const stuck = open.find((run) => run.state !== 'pending' && run.state !== 'queued') ?? queuedForNothing(open);
      checkPlaced(simulation, open);
      if (stuck) throw new InvariantViolation('liveness', `${stuck.job}#${stuck.number} is ${stuck.state} for ever`, [stuck.job]);
      killAll(simulation, open);
    } else if (open.length > 50) killAll(simulation, open.slice(0, 50));
    await time.run(time.now + LOOK_MS);
  }
  await time.run(time.now + MINUTE_MS);
}

/** liveness: nothing has moved for long, so what still waits fits nowhere. */
function checkPlaced(simulation: Simulation, open: readonly RunRecord[]): void {
  const { master, recorder } = simulation;
  const { history } = recorder.invariants;
  const attributesOf: AttributesOf = (agentId) => simulation.attributesOf(agentId);
  for (const run of open.filter(({ state, spec }) => state === 'pending' && spec !== undefined)) {
    const { cpus, mem } = history.resolve(run.spec as JobSpec).task;
    const place = master.agents.find((agent) => {
      const tasks = [...agent.tasks.values()].filter(({ phase }) => phase !== 'over').map(({ launch }) => launch.task);
      const free = (of: 'cpus' | 'mem'): number => agent.options[of] - tasks.reduce((sum, task) => sum + task[of], 0);
      return (
        agent.isUp &&
        free('cpus') >= cpus &&
        free('mem') >= mem &&
        mayBeOn(history, run, { at: attributesOf(agent.id) ?? {}, attributesOf })
      );
    });
    if (place) throw new InvariantViolation('liveness', `${run.job}#${run.number} waits, though ${place.id} has room for it`, [run.job]);
  }
}

function queuedForNothing(open: readonly RunRecord[]): RunRecord | undefined {
  return open.find((run) => run.state === 'queued' && !open.some((other) => other.job === run.job && other.state !== 'queued'));
}

function openRuns(simulation: Simulation): RunRecord[] {
  const { jobs } = simulation.recorder.invariants.history;
  return [...jobs.values()].flatMap(({ runs }) => [...runs.values()].filter((run) => run.endedAt === undefined));
}

function killAll(simulation: Simulation, open: readonly RunRecord[]): void {
  const node = simulation.living.find((candidate) => candidate.isServing);
  if (!node) return;
  simulation.perform(async () => {
    const api = simulation.apiOf(node);
    for (const { job, number } of open) await api.request({ type: 'kill', job, run: number });
  });
}

function checkTakeover(simulation: Simulation): void {
  for (const node of simulation.living) simulation.recorder.checkTakeover(node);
}
