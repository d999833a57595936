/** Whatever happens, and wherever a leader dies, the next one believes what it would have, and every flow comes to its end. */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { suite } from 'uvu';
import { Engine, type EngineEvent } from '../../../src/engine/engine.ts';
import type { RunRecord } from '../../../src/engine/records.ts';
import { EngineRig, type SpecInput } from '../../support/engine-rig.ts';

const test = suite('a new leader');

const MINUTE = 60_000;

/** What a leader believes that reads everything now. */
function readAnew(rig: EngineRig): unknown {
  const entries = [...rig.store].map(([key, value]) => ({ key, value, modRevision: 1n }));
  const engine = new Engine({ term: 1n, executor: 'rig', entries, now: rig.now });
  const { steps } = engine.decide([], rig.now);
  assert.deepEqual(
    steps.flatMap((step) => step.writes).filter(({ key }) => key !== 'executor/waiting'),
    [],
    'it has nothing to mend',
  );
  return engine.dump();
}

const definitions: readonly SpecInput[] = [
  { name: 'root', schedule: 'R/2026-03-01T00:05:00Z/PT5M', overlap: 'allow', retry: { attempts: 2, delay: 'PT1M' }, keepRuns: 2 },
  { name: 'left', after: ['root'], retry: { attempts: 1 }, keepRuns: 1 },
  { name: 'right', after: [{ job: 'root', on: 'completion' }], overlap: 'replace', startingDeadline: 'PT10M' },
  { name: 'join', after: ['left', 'right'], retry: { attempts: 1 }, keepRuns: 3 },
  { name: 'late', after: ['left', 'join'], join: 'latest' },
  {
    name: 'big',
    schedule: 'R/2026-03-01T00:07:00Z/PT3M',
    task: { command: 'true', cpus: 2000 },
    startingDeadline: 'PT20M',
    catchUp: 'all',
  },
];

const edits: readonly SpecInput[] = [
  { name: 'left', after: ['root', 'right'], retry: { attempts: 1 } },
  { name: 'join', after: ['left'], overlap: 'forbid' },
  { name: 'join', after: ['left', 'right', 'big'], join: 'latest' },
  { name: 'late', after: [{ job: 'join', on: 'failure' }] },
  { name: 'root', schedule: 'R/2026-03-01T00:05:00Z/PT2M', overlap: 'queue', catchUp: 'none' },
  { name: 'big', schedule: 'R/2026-03-01T00:07:00Z/PT3M', overlap: 'queue' },
];

const names = definitions.map(({ name }) => name);

function openRuns(rig: EngineRig): RunRecord[] {
  return names.flatMap((name) => rig.runs(name)).filter(({ state }) => ['launching', 'running', 'killing'].includes(state));
}

type Act = (rig: EngineRig, pick: number) => void;

/** The parents that each definition names. */
function parents(rig: EngineRig): ReadonlyMap<string, readonly string[]> {
  const specs = names.flatMap((name) => rig.store.get(`jobs/${name}`) ?? []).map((text) => (JSON.parse(text) as { spec: SpecInput }).spec);
  return new Map(specs.map(({ name, after = [] }) => [name, after.map((edge) => (typeof edge === 'string' ? edge : edge.job))]));
}

/** Takes an edit as nodes do: only if every parent is there. */
function define(rig: EngineRig, spec: SpecInput, changes: Parameters<EngineRig['define']>[1] = {}): void {
  const there = parents(rig);
  const isSound = (spec.after ?? []).every((edge) => there.has(typeof edge === 'string' ? edge : edge.job));
  if (isSound) rig.define(spec, changes);
}

/** Takes a deletion as nodes do: only of a job that no other runs after. */
function undefine(rig: EngineRig, name: string): void {
  if (![...parents(rig).values()].flat().includes(name)) rig.undefine(name);
}

const acts: readonly Act[] = [
  (rig) => rig.advance(MINUTE),
  (rig) => rig.advance(5 * MINUTE),
  ...Array.from(
    { length: 5 },
    (_, index): Act =>
      (rig, pick) => {
        const runs = openRuns(rig);
        const taskId = runs[pick % runs.length]?.attempts.at(-1)?.taskId;
        if (taskId !== undefined) rig.finish(taskId, index === 4 ? 1 : 0);
      },
  ),
  (rig, pick) => {
    const runs = openRuns(rig);
    const taskId = runs[pick % runs.length]?.attempts.at(-1)?.taskId;
    const states = ['unreachable', 'lost', 'killed', 'running'] as const;
    if (taskId !== undefined) rig.status(taskId, states[pick % states.length] ?? 'running');
  },
  (rig, pick) => rig.request({ type: 'run', job: names[pick % names.length] ?? '' }),
  (rig, pick) => rig.request({ type: 'kill', job: names[pick % names.length] ?? '', run: 1 + (pick % 4) }),
  (rig, pick) => rig.request({ type: 'retry', job: names[pick % names.length] ?? '', run: 1 + (pick % 4) }),
  (rig, pick) => rig.request({ type: 'mark', job: names[pick % names.length] ?? '', run: 1 + (pick % 4) }),
  (rig, pick) => rig.request({ type: 'backfill', job: pick % 2 ? 'root' : 'big', from: rig.now - 20 * MINUTE, to: rig.now, limit: 2 }),
  (rig, pick) => define(rig, edits[pick % edits.length] as SpecInput),
  (rig, pick) => define(rig, definitions[pick % definitions.length] as SpecInput),
  (rig, pick) => define(rig, { ...(definitions[pick % 4] as SpecInput), suspended: true }, { suspension: { from: rig.now, by: 'ada' } }),
  (rig, pick) => undefine(rig, names[pick % names.length] ?? ''),
  (rig) => rig.suspend({ from: rig.now, by: 'ada' }),
  (rig) => rig.suspend({ from: rig.now - MINUTE, to: rig.now, by: 'ada' }),
  (rig) => rig.failOver(2 * MINUTE),
];

const script = fc.array(fc.tuple(fc.nat({ max: acts.length - 1 }), fc.nat({ max: 1000 })), { minLength: 10, maxLength: 60 });

test('believes what the old one did, whatever has happened', () => {
  fc.assert(
    fc.property(script, (steps) => {
      const rig = new EngineRig();
      for (const spec of definitions) rig.define(spec);
      for (const [act, pick] of steps) (acts[act] as Act)(rig, pick);
      rig.decide();
      assert.deepEqual(readAnew(rig), { ...rig.engine.dump(), term: 1n });
    }),
    { numRuns: 300 },
  );
});

/** The task of an open run ends, and of what is decided on that so many steps become durable before the process dies. */
function endAndDie(rig: EngineRig, run: RunRecord, { exitCode, survives }: { exitCode: number; survives: number }): void {
  const taskId = run.attempts.at(-1)?.taskId ?? '';
  const state = exitCode === 0 ? 'finished' : 'failed';
  const status: EngineEvent = { type: 'executor', event: { type: 'status', status: { taskId, agentId: 'a1', state, exitCode, ack: 'x' } } };
  rig.decide([status], survives);
  rig.failOver();
  if (rig.run(run.job, run.number)?.attempts.at(-1)?.taskId === taskId) rig.decide([status]);
}

test('brings every flow to its end, each job once, wherever the ones before it died', () => {
  const ending = fc.record({ pick: fc.nat({ max: 1000 }), exitCode: fc.constantFrom(0, 0, 1), survives: fc.nat({ max: 6 }) });
  const fan = Array.from({ length: 25 }, (_, index) => `c${10 + index}`);
  fc.assert(
    fc.property(fc.array(ending, { minLength: 200, maxLength: 200 }), (endings) => {
      const rig = new EngineRig({ maxOperations: 60 });
      rig.define({ name: 'root', schedule: 'R2/2026-03-01T00:05:00Z/PT5M', overlap: 'allow' });
      for (const name of ['p1', 'p2']) rig.define({ name, after: ['root'], retry: { attempts: 1 } });
      for (const name of fan) rig.define({ name, after: ['p1', { job: 'p2', on: 'completion' }], retry: { attempts: 1 } });
      rig.define({ name: 'end', after: fan.map((job) => ({ job, on: 'completion' })) });
      rig.advanceTo('2026-03-01T00:10:00Z');
      const all = ['root', 'p1', 'p2', ...fan, 'end'];
      for (const { pick, ...how } of endings) {
        const open = all.flatMap((name) => rig.runs(name)).filter(({ state }) => state === 'launching' || state === 'running');
        const run = open[pick % open.length];
        if (run) endAndDie(rig, run, run.job === 'root' ? { ...how, exitCode: 0 } : how);
      }
      for (const name of all) {
        assert.deepEqual(
          rig
            .runs(name)
            .map(({ flow }) => flow)
            .sort(),
          ['root#1', 'root#2'],
          name,
        );
        assert.equal(rig.state(name)?.tokens, undefined, name);
      }
    }),
    { numRuns: 15 },
  );
});

test.run();
