import assert from 'node:assert/strict';
import { test } from 'uvu';
import { EngineRig } from '../../support/engine-rig.ts';

const MINUTE = 60_000;
const ROOM = 33;

const REPLACING = { name: 'r', schedule: 'R/2026-03-01T00:01:00Z/PT1M', overlap: 'replace', keepRuns: 5 } as const;

/** A job whose first run is launched and that has `waiting` more in its queue, from before it was to replace. */
function withQueue(waiting: number): EngineRig {
  const rig = new EngineRig({ maxOperations: ROOM });
  rig.define({ ...REPLACING, overlap: 'queue' });
  rig.advance((waiting + 1) * MINUTE + 1);
  rig.define(REPLACING);
  return rig;
}

function statesOf(rig: EngineRig): Record<string, number> {
  const states: Record<string, number> = {};
  for (const { state } of rig.runs('r')) states[state] = (states[state] ?? 0) + 1;
  return states;
}

test('a run replaces more older ones than one step takes', () => {
  const rig = withQueue(60);
  assert.equal(statesOf(rig)['queued'], 60);
  rig.advance(MINUTE);
  assert.equal(rig.run('r', 1)?.state, 'killing');
  assert.equal(rig.run('r', 62)?.state, 'queued');
  assert.equal(rig.run('r', 62)?.replaces, undefined);
  assert.deepEqual({ killing: 1, queued: 1 }, { killing: statesOf(rig)['killing'], queued: statesOf(rig)['queued'] });
  assert.equal(rig.state('r')?.totals.skipped, 60);
  assert.ok(rig.steps.every((step) => step.writes.length <= ROOM));
  rig.status('r.1.1', 'killed');
  assert.equal(rig.run('r', 62)?.state, 'launching');
});

for (const survives of [1, 2]) {
  test(`a new leader gives up the rest when the last one died after ${survives} of its steps`, () => {
    const rig = withQueue(60);
    rig.advanceTo('2026-03-01T01:01:59Z');
    rig.now = Date.parse('2026-03-01T01:02:00Z');
    rig.decide([], survives);
    assert.equal(rig.run('r', 62)?.replaces, true);
    rig.failOver();
    assert.equal(rig.run('r', 62)?.state, 'queued');
    assert.equal(rig.run('r', 62)?.replaces, undefined);
    assert.equal(statesOf(rig)['queued'], 1);
    assert.equal(rig.state('r')?.totals.skipped, 60);
  });
}

test('what is caught up is not replaced: it goes first, oldest first, and of what comes due meanwhile the newest follows', () => {
  const rig = new EngineRig();
  rig.define({ ...REPLACING, catchUp: 'all' });
  rig.failOver(3 * MINUTE + 1);
  rig.advance(2 * MINUTE);
  const states = (): string[] => rig.runs('r').map(({ number, state }) => `${number} ${state}`);
  assert.deepEqual(states(), ['1 launching', '2 queued', '3 queued', '4 skipped', '5 queued']);
  rig.finish('r.1.1');
  rig.finish('r.2.1');
  rig.finish('r.3.1');
  assert.deepEqual(states().slice(2), ['3 succeeded', '4 skipped', '5 launching']);
});

test('a backfill is neither replaced nor burnt down by what comes due, which goes before the rest of it', () => {
  const rig = new EngineRig();
  rig.define({ ...REPLACING, schedule: 'R/2026-02-20T00:00:10Z/PT1M', keepRuns: 50 });
  rig.advance(11_000);
  rig.finish('r.1.1');
  const to = Date.parse('2026-02-20T00:05:00Z');
  rig.request({ type: 'backfill', job: 'r', from: to - 5 * MINUTE, to, limit: 2 });
  rig.advance(3 * MINUTE);
  assert.deepEqual(
    rig.runs('r').map(({ state }) => state),
    ['succeeded', 'launching', 'queued', 'skipped', 'skipped', 'queued'],
  );
  rig.finish('r.2.1');
  assert.equal(rig.run('r', 6)?.state, 'launching');
});

test('a newcomer takes the place of the run it replaces before a backfill does', () => {
  const rig = new EngineRig({ offer: { cpus: 0.01 } });
  rig.define({ ...REPLACING, schedule: 'R/2026-02-20T00:00:10Z/PT1M' });
  rig.request({ type: 'run', job: 'r' });
  const to = Date.parse('2026-02-20T00:05:00Z');
  rig.request({ type: 'backfill', job: 'r', from: to - 5 * MINUTE, to, limit: 1 });
  rig.request({ type: 'run', job: 'r' });
  assert.equal(rig.story('r'), '1 skipped, 2 queued, 3 pending');
});

test('all that ran side by side is killed once overlap becomes replace', () => {
  const rig = new EngineRig({ maxOperations: ROOM });
  const job = { name: 'r', schedule: 'R/2026-03-01T00:01:00Z/PT1M' };
  rig.define({ ...job, overlap: 'allow' });
  rig.advanceTo('2026-03-01T00:50:00Z');
  assert.equal(statesOf(rig)['launching'], 50);
  rig.define({ ...job, overlap: 'replace' });
  rig.advance(MINUTE);
  assert.deepEqual(statesOf(rig), { killing: 50, queued: 1 });
  const killed = rig.commands.filter((command) => command.type === 'kill').map((command) => command.task.taskId);
  assert.equal(new Set(killed).size, 50);
});

test('a child that replaces its queue takes its place in a wide fan-out', () => {
  const rig = new EngineRig({ maxOperations: ROOM });
  rig.define({ name: 'p' });
  const names = Array.from({ length: 20 }, (_, i) => `child.${String(i).padStart(2, '0')}`);
  for (const name of names) rig.define({ name, after: ['p'], overlap: 'replace' });
  for (let round = 0; round < 30; round++) {
    rig.request({ type: 'run', job: 'p' });
    rig.finish(`p.${round + 1}.1`);
  }
  for (const name of names) {
    assert.equal(rig.run(name, 1)?.state, 'killing');
    assert.equal(rig.run(name, 30)?.state, 'queued');
    assert.equal(rig.state(name)?.totals.skipped, 28);
  }
});

test.run();
