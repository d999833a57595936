import assert from 'node:assert/strict';
import { suite } from 'uvu';
import type { ExecutorCommand } from '../../../src/executor/port.ts';
import { EngineRig } from '../../support/engine-rig.ts';

const test = suite('executor link');

/** An executor that is shared with others, as Mesos is: what is not used goes back. */
function shared(): EngineRig {
  const rig = new EngineRig({ exclusive: false });
  rig.commands.length = 0;
  return rig;
}

/** What the executor was told about offers, in short. */
function told(rig: EngineRig): string[] {
  return rig.commands.splice(0).flatMap((command) => {
    if (command.type === 'decline') return [`decline ${command.offerIds.length} for ${command.refuseMs}`];
    return command.type === 'suppress' || command.type === 'revive' ? [command.type] : [];
  });
}

/** The tasks of each command that asks about tasks. */
function asked(commands: readonly ExecutorCommand[]): string[][] {
  return commands.flatMap((command) => (command.type === 'reconcile' ? [command.tasks.map(({ taskId }) => taskId)] : []));
}

test('with nothing waiting offers go back for long, and no more are asked for, which is said once', () => {
  const rig = new EngineRig({ exclusive: false });
  assert.deepEqual(told(rig), ['suppress', 'decline 1 for 300000']);
  rig.offer();
  assert.deepEqual(told(rig), ['decline 1 for 300000']);
  rig.decide();
  assert.deepEqual(told(rig), []);
});

test('offers are asked for again when something waits, once', () => {
  const rig = shared();
  rig.define({ name: 'j', overlap: 'allow' });
  rig.request({ type: 'run', job: 'j' });
  assert.deepEqual(told(rig), ['revive']);
  rig.decide();
  assert.deepEqual(told(rig), []);
  rig.offer();
  assert.deepEqual(rig.taskIds(), ['j.1.1']);
});

test('offers that fit nothing go back for a short while, and only a newcomer lifts that', () => {
  const rig = shared();
  rig.define({ name: 'j', overlap: 'allow', task: { command: 'true', cpus: 4000 } });
  rig.request({ type: 'run', job: 'j' });
  told(rig);
  rig.offer('a1');
  assert.deepEqual(told(rig), ['decline 1 for 5000']);
  rig.decide();
  assert.deepEqual(told(rig), [], 'nothing new waits');
  rig.request({ type: 'run', job: 'j' });
  assert.deepEqual(told(rig), ['revive']);
  rig.request({ type: 'run', job: 'j' });
  assert.deepEqual(told(rig), [], 'no filter is in the way');
  rig.offer('a1');
  rig.offer('a2');
  assert.deepEqual(told(rig), ['decline 1 for 5000', 'decline 1 for 5000']);
});

test('all offers that are held go back together', () => {
  const rig = shared();
  const one = { hostname: 'h', address: '', attributes: {}, resources: { cpus: 1, mem: 1, disk: 1, gpus: 0, ports: [] } };
  const offers = ['a', 'b'].map((name) => ({ ...one, id: `o-${name}`, agentId: name, pool: name }));
  rig.executor({ type: 'offers', offers });
  assert.deepEqual(told(rig), ['decline 2 for 300000']);
});

test('what a new connection was told is forgotten: offers come of themselves, and filters may be in the way', () => {
  const rig = shared();
  rig.executor({ type: 'disconnected', reason: 'gone', final: false });
  rig.define({ name: 'j' });
  rig.request({ type: 'run', job: 'j' });
  assert.deepEqual(told(rig), [], 'there is nobody to tell');
  rig.executor({ type: 'connected', identity: 'rig-1', exclusive: false });
  rig.executor({ type: 'reconciled' });
  assert.deepEqual(told(rig), ['revive']);
});

test('nothing is launched while it is disconnected, and old offers are worth nothing afterwards', () => {
  const rig = new EngineRig();
  rig.executor({ type: 'disconnected', reason: 'gone', final: false });
  rig.define({ name: 'j' });
  rig.request({ type: 'run', job: 'j' });
  rig.offer();
  assert.deepEqual(rig.taskIds(), []);
  rig.executor({ type: 'connected', identity: 'rig-1', exclusive: true });
  rig.executor({ type: 'reconciled' });
  assert.deepEqual(rig.taskIds(), []);
  rig.offer();
  assert.deepEqual(rig.taskIds(), ['j.1.1']);
});

test('each change of the connection is told', () => {
  const rig = new EngineRig({ offline: true });
  rig.executor({ type: 'connected', identity: 'rig-1', exclusive: true });
  rig.executor({ type: 'reconciled' });
  rig.executor({ type: 'disconnected', reason: 'gone', final: false });
  assert.deepEqual(
    rig.facts.filter((fact) => fact.type === 'executor'),
    [
      { type: 'executor', state: 'connected', detail: 'rig-1' },
      { type: 'executor', state: 'reconciled', detail: 'rig' },
      { type: 'executor', state: 'disconnected', detail: 'gone' },
    ],
  );
});

test('an identity is stored when it is new, or was of another kind of executor', () => {
  const rig = new EngineRig({ offline: true });
  const connect = (identity: string): number => {
    const before = rig.steps.length;
    rig.executor({ type: 'connected', identity, exclusive: true });
    return rig.steps
      .slice(before)
      .flatMap((step) => step.writes)
      .filter(({ key }) => key === 'executor/identity').length;
  };
  assert.deepEqual([connect('rig-1'), connect('rig-1'), connect('rig-2')], [1, 0, 1]);
  rig.store.set('executor/identity', JSON.stringify({ kind: 'other', identity: 'rig-2' }));
  rig.failOver(0, { connect: false });
  assert.equal(connect('rig-2'), 1);
  assert.deepEqual(JSON.parse(rig.store.get('executor/identity') ?? ''), { kind: 'rig', identity: 'rig-2', others: { other: 'rig-2' } });
});

test('everything alive is asked about at each connection and every ten minutes, in order', () => {
  const rig = new EngineRig();
  for (const name of ['b', 'a', 'c']) {
    rig.define({ name, overlap: 'allow', retry: { attempts: 5, delay: 'PT2H' } });
    rig.request({ type: 'run', job: name });
    rig.status(`${name}.1.1`, 'running');
  }
  rig.request({ type: 'run', job: 'b' });
  rig.status('b.2.1', 'running');
  rig.finish('c.1.1', 1);
  rig.commands.length = 0;
  rig.advance(599_999);
  assert.deepEqual(asked(rig.commands), []);
  rig.advance(1);
  assert.deepEqual(asked(rig.commands), [['a.1.1', 'b.1.1', 'b.2.1']]);
  rig.advance(600_000);
  assert.equal(asked(rig.commands).length, 2);
  rig.commands.length = 0;
  rig.failOver();
  assert.deepEqual(asked(rig.commands), [['a.1.1', 'b.1.1', 'b.2.1']]);
});

test('so many tasks are asked about at once, and no more', () => {
  const rig = new EngineRig();
  rig.define({ name: 'j', overlap: 'allow' });
  const sizes = (): number[] => {
    rig.commands.length = 0;
    rig.failOver();
    return asked(rig.commands).map((tasks) => tasks.length);
  };
  assert.deepEqual(sizes(), [0], 'that there is nothing is asked too');
  for (let run = 1; run <= 500; run++) rig.request({ type: 'run', job: 'j' });
  assert.deepEqual(sizes(), [500]);
  rig.request({ type: 'run', job: 'j' });
  assert.deepEqual(sizes(), [500, 1]);
});

test.run();
