import assert from 'node:assert/strict';
import { test } from 'uvu';
import type { Reason } from '../../../src/engine/records.ts';
import type { TaskStatus } from '../../../src/executor/port.ts';
import { EngineRig } from '../../support/engine-rig.ts';

/** A job whose only attempt is launching: it is never tried again for its own failure. */
function launching(): EngineRig {
  const rig = new EngineRig();
  rig.define({ name: 'j', retry: { attempts: 1 } });
  rig.request({ type: 'run', job: 'j' });
  return rig;
}

/** Why the attempt ended, when this is the first and last word about it. */
function reasonFor(state: TaskStatus['state'], more: Partial<TaskStatus> = {}): Reason | undefined {
  const rig = launching();
  rig.status('j.1.1', state, more);
  return rig.run('j', 1)?.attempts[0]?.reason;
}

test('a failure says in words and in data how the task ended', () => {
  assert.deepEqual(reasonFor('failed', { exitCode: 3 }), {
    code: 'exit',
    text: 'exited with code 3',
    data: { state: 'failed', exitCode: 3 },
  });
  assert.equal(reasonFor('failed')?.text, 'exited with code (not told)');
  assert.deepEqual(reasonFor('failed', { signal: 'SIGSEGV', exitCode: 139 }), {
    code: 'signal',
    text: 'ended by SIGSEGV',
    data: { state: 'failed', exitCode: 139, signal: 'SIGSEGV' },
  });
  assert.equal(reasonFor('failed', { outOfMemory: true, signal: 'SIGKILL', exitCode: 137 })?.code, 'out-of-memory');
});

test('what the executor says about an end is told, unless it only repeats the exit code', () => {
  assert.equal(reasonFor('failed', { exitCode: 3, message: 'disk full' })?.text, 'exited with code 3: disk full');
  for (const message of ['Container exited with status 3', 'Command exited with code 3.', 'exit code 3']) {
    assert.equal(reasonFor('failed', { exitCode: 3, message })?.text, 'exited with code 3', message);
  }
  assert.match(reasonFor('failed', { exitCode: 3, message: 'exited with status 31' })?.text ?? '', /status 31/);
  assert.match(reasonFor('failed', { exitCode: 3, message: 'exited with code 3 and a core dump' })?.text ?? '', /core dump/);
  assert.match(reasonFor('failed', { message: 'exited with code undefined' })?.text ?? '', /undefined/);
});

test('a message of any length is cut to what a record may hold', () => {
  const prefix = 'exited with code 3: ';
  assert.equal(reasonFor('failed', { exitCode: 3, message: 'x'.repeat(500) })?.text, prefix + 'x'.repeat(500));
  assert.equal(reasonFor('failed', { exitCode: 3, message: 'x'.repeat(501) })?.text, `${prefix}${'x'.repeat(500)}…`);
});

test('an end that is the infrastructure’s doing is told as such, with the executor’s reason', () => {
  for (const state of ['killed', 'not-launched', 'lost', 'unknown'] as const) {
    const rig = launching();
    rig.status('j.1.1', state, { reason: 'agent-removed' });
    const run = rig.run('j', 1);
    assert.equal(run?.state, 'backoff', state);
    assert.equal(run?.lost, 1, state);
    assert.equal(run?.attempts[0]?.fault, 'infrastructure', state);
    assert.equal(run?.attempts[0]?.reason?.code, 'infrastructure', state);
    assert.deepEqual(run?.attempts[0]?.reason?.data, { state, reason: 'agent-removed' }, state);
  }
});

test('a task that is unknown after it had started is not said never to have run', () => {
  const rig = launching();
  rig.status('j.1.1', 'running');
  rig.status('j.1.1', 'unknown');
  assert.equal(rig.run('j', 1)?.attempts[0]?.reason?.text, 'the executor lost all trace of it');
});

test('a start is noted once, with the moment it was first told', () => {
  const rig = launching();
  rig.advance(1000);
  rig.status('j.1.1', 'starting');
  const startedAt = rig.now;
  const stored = rig.store.get('runs/j/1');
  rig.advance(1000);
  rig.status('j.1.1', 'running');
  assert.equal(rig.store.get('runs/j/1'), stored, 'a second word about the same changes nothing');
  assert.equal(rig.run('j', 1)?.attempts[0]?.startedAt, startedAt);
  assert.equal(rig.facts.filter((fact) => fact.type === 'attempt-started').length, 1);
});

test('a task that comes back keeps the start it had, and is told once', () => {
  const rig = launching();
  rig.status('j.1.1', 'running');
  const startedAt = rig.now;
  rig.advance(1000);
  rig.status('j.1.1', 'unreachable');
  const since = rig.now;
  rig.advance(1000);
  rig.status('j.1.1', 'unreachable');
  assert.equal(rig.run('j', 1)?.attempts[0]?.unreachableSince, since, 'cut off since the first time it was told');
  assert.equal(rig.run('j', 1)?.attempts[0]?.state, 'unreachable');
  rig.status('j.1.1', 'running');
  assert.deepEqual([rig.run('j', 1)?.attempts[0]?.startedAt, rig.run('j', 1)?.attempts[0]?.unreachableSince], [startedAt, undefined]);
  assert.equal(rig.facts.filter((fact) => fact.type === 'attempt-started').length, 1);
});

test('a task that is being killed stays so, whatever is heard of it before its end', () => {
  const rig = launching();
  rig.request({ type: 'kill', job: 'j', run: 1 });
  for (const state of ['staging', 'starting', 'running', 'killing'] as const) {
    rig.status('j.1.1', state);
    assert.equal(rig.story('j'), '1 killing', state);
  }
  rig.status('j.1.1', 'failed', { exitCode: 143 });
  assert.equal(rig.story('j'), '1 killed');
  assert.deepEqual([rig.run('j', 1)?.attempts[0]?.fault, rig.run('j', 1)?.attempts[0]?.reason?.code], ['request', 'kill-request']);
});

test('a launch that is answered but has not started is not asked about at once', () => {
  const rig = launching();
  const asked = (): number => rig.commands.filter((command) => command.type === 'reconcile' && command.tasks.length > 0).length;
  const before = asked();
  rig.advance(20_000);
  rig.status('j.1.1', 'staging');
  assert.equal(rig.story('j'), '1 launching');
  rig.advance(29_999);
  assert.equal(asked(), before);
  rig.advance(1);
  assert.equal(asked(), before + 1);
});

test('a status without an acknowledgement to give is not acknowledged', () => {
  const rig = launching();
  rig.executor({ type: 'status', status: { taskId: 'j.1.1', state: 'running' } });
  assert.equal(rig.story('j'), '1 running');
  assert.equal(rig.commands.filter((command) => command.type === 'acknowledge').length, 0);
});

/** Whether the answer to the latest status of the task waits for a commit. */
function isFenced(rig: EngineRig, taskId: string): boolean {
  const answer = rig.steps.findLast((step) => step.commands.some((command) => command.type === 'acknowledge' && command.taskId === taskId));
  assert.ok(answer);
  return answer.isFenced === true;
}

test('a stray task is killed only while it runs', () => {
  const rig = launching();
  rig.finish('j.1.1');
  const kills = (): number => rig.commands.filter((command) => command.type === 'kill').length;
  for (const state of ['staging', 'starting', 'running'] as const) {
    const before = kills();
    rig.status('j.1.1', state);
    assert.equal(kills(), before + 1, state);
    assert.ok(rig.facts.some((fact) => fact.type === 'stray-task' && fact.taskId === 'j.1.1' && fact.state === state));
  }
  const before = kills();
  for (const state of ['killing', 'unreachable', 'lost', 'unknown'] as const) rig.status('j.1.1', state);
  assert.equal(kills(), before);
  assert.equal(rig.story('j'), '1 succeeded');
});

test('only the answer to a task that no record knows, a newer leader’s perhaps, waits to hear that the term stands', () => {
  const rig = launching();
  rig.status('j.1.1', 'lost');
  rig.advance(1000);
  assert.deepEqual(rig.taskIds(), ['j.1.1', 'j.1.2']);
  for (const [taskId, isAnswerFenced] of [
    ['j.1.1', false],
    ['j.1.3', true],
    ['j.2.1', true],
    ['other.1.1', true],
    ['not a task of ours', true],
  ] as const) {
    rig.status(taskId, 'running');
    assert.equal(isFenced(rig, taskId), isAnswerFenced, taskId);
  }
  rig.finish('j.1.2');
  for (const taskId of ['j.1.1', 'j.1.2']) {
    rig.status(taskId, 'running');
    assert.equal(isFenced(rig, taskId), false, 'the run that is over is kept, with its tasks');
  }
});

test.run();
