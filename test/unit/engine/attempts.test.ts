import assert from 'node:assert/strict';
import { test } from 'uvu';
import { EngineRig, type SpecInput } from '../../support/engine-rig.ts';

const once = 'R1/2026-03-01T01:00:00Z/PT1H';

function started(spec: Partial<SpecInput> = {}): EngineRig {
  const rig = new EngineRig();
  rig.define({ name: 'j', schedule: once, retry: { delay: 'PT30S', factor: 2, maxDelay: 'PT10M', jitter: 0 }, ...spec });
  rig.advanceTo('2026-03-01T01:00:00Z');
  return rig;
}

test('a failed attempt is followed by another, with backoff, up to the bound', () => {
  const rig = started();
  rig.finish('j.1.1', 3);
  assert.equal(rig.story('j'), '1 backoff');
  rig.advance(29_999);
  assert.deepEqual(rig.taskIds(), ['j.1.1']);
  rig.advance(1);
  assert.deepEqual(rig.taskIds(), ['j.1.1', 'j.1.2']);
  rig.finish('j.1.2', 3);
  rig.advance(59_999);
  assert.equal(rig.launches.length, 2);
  rig.advance(1);
  rig.finish('j.1.3', 4);
  assert.equal(rig.story('j'), '1 failed');
  const run = rig.run('j', 1);
  assert.deepEqual(
    run?.attempts.map((attempt) => attempt.exitCode),
    [3, 3, 4],
  );
  assert.equal(run?.attempts[2]?.state, 'failed', 'the attempt keeps the executor’s last word');
  assert.equal(rig.state('j')?.totals.failed, 1);
});

test('a retry outlives its leader', () => {
  const rig = started();
  rig.finish('j.1.1', 1);
  rig.failOver(10_000);
  rig.advance(20_000);
  assert.deepEqual(rig.taskIds(), ['j.1.1', 'j.1.2']);
});

test('jitter is derived from the task, within its share, and the same on every replay', () => {
  const delays = [0, 1].map(() => {
    const rig = started({ retry: { delay: 'PT100S', jitter: 0.5 } });
    rig.finish('j.1.1', 1);
    return (rig.run('j', 1)?.notBefore ?? 0) - rig.now;
  });
  assert.equal(delays[0], delays[1]);
  assert.ok((delays[0] ?? 0) >= 50_000 && (delays[0] ?? 0) <= 150_000 && delays[0] !== 100_000);
});

test('an exit code that is not worth another attempt is final', () => {
  const rig = started({ retry: { attempts: 5, on: [75] } });
  rig.finish('j.1.1', 2);
  assert.equal(rig.story('j'), '1 failed');
});

test('what the infrastructure did does not use up attempts', () => {
  const rig = started({ retry: { attempts: 1 } });
  rig.status('j.1.1', 'running');
  rig.status('j.1.1', 'lost', { reason: 'agent-removed' });
  assert.equal(rig.story('j'), '1 backoff');
  rig.advance(1000);
  rig.finish('j.1.2', 0);
  assert.equal(rig.story('j'), '1 succeeded');
  assert.equal(rig.run('j', 1)?.lost, 1);
});

test('infrastructure failures have a bound of their own', () => {
  const rig = started();
  for (let attempt = 1; attempt <= 10; attempt++) {
    rig.status(`j.1.${attempt}`, 'not-launched');
    rig.advance(60_000);
  }
  assert.equal(rig.story('j'), '1 failed');
  assert.equal(rig.run('j', 1)?.reason?.code, 'infrastructure');
});

test('a definition that can not run is not tried again', () => {
  const rig = started();
  rig.status('j.1.1', 'rejected', { reason: 'image-missing', message: 'no such image' });
  assert.equal(rig.story('j'), '1 failed');
  assert.match(rig.run('j', 1)?.reason?.text ?? '', /no such image/);
});

test('a status is stored in the step that acknowledges it', () => {
  const rig = started();
  rig.status('j.1.1', 'finished', { exitCode: 0, ack: 'the-end' });
  const step = rig.steps.find((one) => one.commands.some((command) => command.type === 'acknowledge' && command.ack === 'the-end'));
  const write = step?.writes.find(({ key }) => key === 'runs/j/1');
  assert.match(write?.value ?? '', /"succeeded"/);
});

test('a repeated status is acknowledged again and changes nothing', () => {
  const rig = started();
  rig.finish('j.1.1', 1);
  const before = rig.store.get('runs/j/1');
  rig.status('j.1.1', 'failed', { exitCode: 1, ack: 'again' });
  assert.equal(rig.store.get('runs/j/1'), before);
  assert.ok(rig.commands.some((command) => command.type === 'acknowledge' && command.ack === 'again'));
});

test('a launch that was never heard of is asked about, and given another attempt when it is unknown', () => {
  const rig = started();
  rig.advance(30_000);
  assert.ok(rig.commands.some((command) => command.type === 'reconcile' && command.tasks[0]?.taskId === 'j.1.1'));
  rig.status('j.1.1', 'unknown');
  rig.advance(1000);
  assert.deepEqual(rig.taskIds(), ['j.1.1', 'j.1.2']);
  assert.match(rig.run('j', 1)?.attempts[0]?.reason?.text ?? '', /never ran/);
});

test('after a failover nothing is launched before everything alive is answered for', () => {
  const rig = started({ overlap: 'allow' });
  rig.define({ name: 'k', schedule: 'R1/2026-03-01T01:00:10Z/PT1H' });
  rig.failOver(10_000, { connect: false });
  rig.executor({ type: 'connected', identity: 'rig-1', exclusive: true });
  rig.offer();
  assert.deepEqual(rig.taskIds(), ['j.1.1']);
  const asked = rig.commands.findLast((command) => command.type === 'reconcile');
  assert.deepEqual(asked?.type === 'reconcile' && asked.tasks.map((task) => task.taskId), ['j.1.1']);
  rig.executor({ type: 'reconciled' });
  assert.deepEqual(rig.taskIds(), ['j.1.1', 'k.1.1']);
});

test('an unreachable task is waited for, and may come back', () => {
  const rig = started({ unreachableTimeout: 'PT10M' });
  rig.status('j.1.1', 'running');
  rig.status('j.1.1', 'unreachable');
  rig.advance(599_999);
  rig.status('j.1.1', 'running');
  rig.advance(600_000);
  assert.equal(rig.story('j'), '1 running');
  rig.status('j.1.1', 'unreachable');
  rig.advance(600_000);
  assert.equal(rig.story('j'), '1 backoff');
});

test('a task that comes back after it was given up is killed, not counted', () => {
  const rig = started({ unreachableTimeout: 'PT1M' });
  rig.status('j.1.1', 'unreachable');
  rig.advance(61_000);
  assert.deepEqual(rig.taskIds(), ['j.1.1', 'j.1.2']);
  rig.status('j.1.1', 'running');
  assert.ok(rig.commands.some((command) => command.type === 'kill' && command.task.taskId === 'j.1.1'));
  assert.equal(rig.run('j', 1)?.attempts.length, 2);
});

test('a time-out kills the attempt, with its grace, and counts as the task’s failure', () => {
  const rig = started({ timeout: 'PT1M', killGrace: 'PT3S' });
  rig.status('j.1.1', 'running');
  rig.advance(60_000);
  assert.equal(rig.story('j'), '1 killing');
  const kill = rig.commands.find((command) => command.type === 'kill');
  assert.equal(kill?.type === 'kill' && kill.graceMs, 3000);
  rig.status('j.1.1', 'killed');
  assert.equal(rig.story('j'), '1 backoff');
  assert.equal(rig.run('j', 1)?.attempts[0]?.reason?.code, 'timeout');
});

test('a kill is repeated until the task is over, also by the next leader', () => {
  const rig = started();
  rig.status('j.1.1', 'running');
  rig.request({ type: 'kill', job: 'j', run: 1 });
  const kills = (): number => rig.commands.filter((command) => command.type === 'kill').length;
  assert.equal(kills(), 1);
  rig.advance(10_000);
  assert.equal(kills(), 2);
  rig.failOver();
  assert.equal(kills(), 3);
  rig.status('j.1.1', 'killed');
  assert.equal(rig.story('j'), '1 killed');
  rig.advance(100_000);
  assert.equal(kills(), 3);
});

test('a kill by a person is final, whatever attempts are left', () => {
  const rig = started();
  rig.finish('j.1.1', 1);
  rig.request({ type: 'kill', job: 'j', run: 1 });
  assert.equal(rig.story('j'), '1 killed');
  rig.advance(3_600_000);
  assert.equal(rig.launches.length, 1);
  assert.equal(rig.run('j', 1)?.reason?.code, 'kill-request');
});

test('a task that finished before the kill reached it has succeeded', () => {
  const rig = started();
  rig.status('j.1.1', 'running');
  rig.request({ type: 'kill', job: 'j', run: 1 });
  rig.status('j.1.1', 'finished', { exitCode: 0 });
  assert.equal(rig.story('j'), '1 succeeded');
});

test('a task that no record knows is killed; one that is over is only acknowledged', () => {
  const rig = new EngineRig();
  rig.status('ghost.1.1', 'running');
  rig.status('ghost.2.1', 'finished');
  const kills = rig.commands.filter((command) => command.type === 'kill');
  assert.equal(kills.length, 1);
  assert.equal(rig.commands.filter((command) => command.type === 'acknowledge').length, 2);
});

test.run();
