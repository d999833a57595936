import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import type { Executor, ExecutorCommand, ExecutorEvent, TaskLaunch } from '../../../src/executor/port.ts';
import { MAX_SECRET_BYTES, secretFiles } from '../../../src/executor/secret-files.ts';
import { type SecretSource, withSecrets } from '../../../src/executor/secrets.ts';
import { launch, spec } from './mesos/fixtures.ts';

interface Rig {
  readonly executor: Executor;
  readonly performed: ExecutorCommand[];
  readonly events: ExecutorEvent[];
  launch(...tasks: readonly TaskLaunch[]): void;
}

const SOURCE: SecretSource = {
  read(name) {
    if (name === 'missing') throw new Error('secret missing: is not there');
    return `value of ${name}`;
  },
};

function setup({ source }: { source: SecretSource | undefined } = { source: SOURCE }): Rig {
  const performed: ExecutorCommand[] = [];
  const events: ExecutorEvent[] = [];
  const inner: Executor = {
    kind: 'scripted',
    start: () => undefined,
    perform: (command) => performed.push(command),
    stop: () => Promise.resolve(),
    readLog: () => Promise.resolve(undefined),
  };
  const executor = withSecrets(inner, source);
  executor.start({ identity: undefined, emit: (event) => events.push(event) });
  return { executor, performed, events, launch: (...tasks) => executor.perform({ type: 'launch', offerIds: ['o'], tasks }) };
}

const withSecret = (taskId: string, name: string): TaskLaunch =>
  launch(taskId, { env: { A: 'a' }, task: spec({ secrets: { PASSWORD: name } }) });

test('a launch gets the values of its secrets with its environment', () => {
  const rig = setup();
  rig.launch(withSecret('t.1.1', 'db'), launch('t.2.1'));
  const [command] = rig.performed;
  assert.ok(command?.type === 'launch');
  assert.deepEqual(
    command.tasks.map((task) => task.env),
    [{ A: 'a', PASSWORD: 'value of db' }, {}],
  );
  assert.deepEqual(rig.events, []);
});

test('credentials for the registry are handed over beside the environment, not in it', () => {
  const rig = setup();
  rig.launch(launch('t.1.1', { task: spec({ pullSecret: 'registry' }) }));
  const [command] = rig.performed;
  assert.ok(command?.type === 'launch');
  assert.deepEqual(
    command.tasks.map(({ env, registryConfig }) => [env, registryConfig]),
    [[{}, 'value of registry']],
  );
});

test('a task whose secret is not there is not launched, the others are, and nobody is told a value', () => {
  const rig = setup();
  rig.launch(withSecret('t.1.1', 'missing'), withSecret('t.2.1', 'db'));
  const [command] = rig.performed;
  assert.ok(command?.type === 'launch');
  assert.deepEqual(
    command.tasks.map(({ taskId }) => taskId),
    ['t.2.1'],
  );
  const [event] = rig.events;
  assert.ok(event?.type === 'status');
  assert.deepEqual([event.status.taskId, event.status.state, event.status.reason], ['t.1.1', 'not-launched', 'secret-unavailable']);
  assert.ok(!JSON.stringify(rig.events).includes('value of'));
});

test('with nothing left to launch the offers go back', () => {
  const rig = setup();
  rig.launch(withSecret('t.1.1', 'missing'));
  assert.deepEqual(rig.performed, [{ type: 'decline', offerIds: ['o'], refuseMs: 0 }]);
});

test('without a source a task with secrets is rejected', () => {
  const rig = setup({ source: undefined });
  rig.launch(withSecret('t.1.1', 'db'));
  const [event] = rig.events;
  assert.ok(event?.type === 'status' && event.status.state === 'rejected');
  assert.equal(event.status.reason, 'secrets-unsupported');
});

test('files: one line break at the end is not part of the value; what is wrong names the secret and not its value', () => {
  const directory = mkdtempSync(join(tmpdir(), 'kairos-secrets-'));
  try {
    const source = secretFiles(directory);
    writeFileSync(join(directory, 'db'), 's3cret\n\n');
    assert.equal(source.read('db'), 's3cret\n');
    writeFileSync(join(directory, 'db'), 'new');
    assert.equal(source.read('db'), 'new');
    writeFileSync(join(directory, 'large'), 'x'.repeat(MAX_SECRET_BYTES + 1));
    assert.throws(() => source.read('large'), /^Error: secret large: is larger than/);
    writeFileSync(join(directory, 'nul'), 'a\0b');
    assert.throws(() => source.read('nul'), /^Error: secret nul: holds a NUL/);
    assert.throws(() => source.read('none'), /^Error: secret none: the leader's node can't read it \(ENOENT\)/);
    for (const name of ['../db', '.', '..', '/etc/passwd']) assert.throws(() => source.read(name), /is not the name of a file/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test.run();
