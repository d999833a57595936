import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { EngineRig } from '../../support/engine-rig.ts';

const test = suite('kept runs');

const each = 'R/2026-03-01T00:01:00Z/PT1M';

/** The numbers of the runs of a job that are over and kept, in memory and in the store. */
function kept(rig: EngineRig, job: string): readonly number[] {
  const numbers =
    rig.engine
      .dump()
      .jobs.get(job)
      ?.kept.map(({ number }) => number) ?? [];
  const stored = rig.runs(job).filter(({ endedAt }) => endedAt !== undefined);
  assert.deepEqual(
    stored.map(({ number }) => number),
    numbers,
  );
  return numbers;
}

test('a run that is run again is open and not over, and stands where it stood', () => {
  const rig = new EngineRig();
  rig.define({ name: 'j', overlap: 'allow', retry: { attempts: 1 } });
  for (let run = 1; run <= 3; run++) rig.request({ type: 'run', job: 'j' });
  rig.finish('j.1.1', 1);
  rig.finish('j.2.1', 1);
  rig.request({ type: 'retry', job: 'j', run: 1 });
  assert.deepEqual(kept(rig, 'j'), [2]);
  const open = rig.engine
    .dump()
    .jobs.get('j')
    ?.open.map(({ number }) => number);
  assert.deepEqual(open, [1, 3]);
  rig.finish('j.1.2');
  assert.deepEqual(kept(rig, 'j'), [1, 2]);
});

test('runs of a flow that goes on are kept, whatever the job says, and go when it is over', () => {
  const rig = new EngineRig();
  rig.define({ name: 'root', schedule: each, overlap: 'allow', keepRuns: 1 });
  rig.define({ name: 'child', after: ['root'] });
  for (let run = 1; run <= 3; run++) {
    rig.advance(60_000);
    rig.finish(`root.${run}.1`);
  }
  assert.deepEqual(kept(rig, 'root'), [1, 2, 3]);
  rig.finish('child.1.1');
  rig.advance(60_000);
  rig.finish('root.4.1');
  assert.deepEqual(kept(rig, 'root'), [2, 3, 4]);
  for (const run of [2, 3, 4]) rig.finish(`child.${run}.1`);
  rig.advance(60_000);
  rig.finish('root.5.1');
  rig.finish('child.5.1');
  rig.advance(60_000);
  rig.finish('root.6.1');
  assert.deepEqual(kept(rig, 'root'), [6], 'two go with each that ends');
});

test('runs of a flow in which a job waits are kept', () => {
  const rig = new EngineRig();
  rig.define({ name: 'root', schedule: 'R2/2026-03-01T00:01:00Z/PT1M', overlap: 'allow' });
  rig.define({ name: 'left', after: ['root'], overlap: 'allow', keepRuns: 1 });
  rig.define({ name: 'right', after: ['root'], overlap: 'allow' });
  rig.define({ name: 'join', after: ['left', 'right'], overlap: 'allow' });
  rig.advance(120_000);
  for (const run of [1, 2]) rig.finish(`root.${run}.1`);
  for (const run of [1, 2]) rig.finish(`left.${run}.1`);
  rig.define({ name: 'join', after: ['left', 'root'], overlap: 'allow' });
  rig.undefine('right');
  assert.equal(rig.runs('join').length, 2);
  rig.request({ type: 'run', job: 'left' });
  rig.finish('left.3.1');
  assert.deepEqual(kept(rig, 'left'), [1, 2, 3]);
  for (const { attempts } of rig.runs('join')) rig.finish(attempts[0]?.taskId ?? '');
  rig.request({ type: 'run', job: 'left' });
  rig.finish('left.4.1');
  assert.ok(kept(rig, 'left').length < 4);
});

test('the executor is told to forget tasks where there were some', () => {
  const rig = new EngineRig();
  rig.define({ name: 'j', keepRuns: 1 });
  rig.request({ type: 'run', job: 'j' });
  for (let skipped = 0; skipped < 3; skipped++) rig.request({ type: 'run', job: 'j' });
  rig.finish('j.1.1');
  assert.deepEqual(kept(rig, 'j'), [4]);
  const forgotten = rig.commands.flatMap((command) => (command.type === 'forget' ? [command.tasks.map(({ taskId }) => taskId)] : []));
  assert.deepEqual(forgotten, [['j.1.1']]);
});

test('a job is asked about as long as it has a task, and no longer', () => {
  const rig = new EngineRig();
  rig.define({ name: 'j', overlap: 'allow' });
  rig.request({ type: 'run', job: 'j' });
  rig.request({ type: 'run', job: 'j' });
  rig.finish('j.1.1');
  assert.deepEqual(rig.engine.dump().busy, ['j']);
  rig.finish('j.2.1');
  assert.deepEqual(rig.engine.dump().busy, []);
});

test.run();
