import assert from 'node:assert/strict';
import { test } from 'uvu';
import { judge } from '../../../../src/executor/process/evidence.ts';
import type { Sighting } from '../../../../src/executor/process/evidence.ts';
import { NO_RESOURCES } from '../../../../src/executor/local/resources.ts';
import type { TaskStatus } from '../../../../src/executor/port.ts';

const BOOT = 'this boot';
const launch = { boot: BOOT, at: 1, program: 'tool', resources: NO_RESOURCES };
const start = { pid: 1, since: '2', at: 2 };
const exit = (code: number): Sighting['exit'] => ({ code, at: 3 });

const NOTHING: Sighting = {
  taskId: 't',
  launch: undefined,
  start: undefined,
  exit: undefined,
  killBy: undefined,
  isAlive: false,
  boot: BOOT,
  isAcknowledged: false,
};

const TABLE: readonly (readonly [string, Partial<Sighting>, Partial<TaskStatus>])[] = [
  ['it runs', { launch, start, isAlive: true }, { state: 'running', at: 2 }],
  ['it runs and is to end', { launch, start, isAlive: true, killBy: 9 }, { state: 'killing' }],
  ['it ended well', { launch, start, exit: exit(0) }, { state: 'finished', exitCode: 0, at: 3 }],
  ['it ended while its wrapper was seen alive', { launch, start, isAlive: true, exit: exit(0) }, { state: 'finished' }],
  ['it ended badly', { launch, start, exit: exit(3) }, { state: 'failed', exitCode: 3, message: 'exit code 3' }],
  ['a signal ended it', { launch, start, exit: exit(139) }, { state: 'failed', exitCode: 139, signal: 'SIGSEGV' }],
  ['its command is missing', { launch, start, exit: exit(127) }, { state: 'failed', reason: 'command-not-found' }],
  ['its command is no program', { launch, start, exit: exit(126) }, { state: 'failed', reason: 'command-not-executable' }],
  ['it ended as asked', { launch, start, exit: exit(143), killBy: 9 }, { state: 'killed', signal: 'SIGTERM' }],
  ['it was forced', { launch, start, killBy: 9 }, { state: 'killed', signal: 'SIGKILL' }],
  ['its wrapper was killed', { launch, start }, { state: 'lost', reason: 'wrapper-died' }],
  ['its wrapper was killed as it claimed', { launch, start: 'unreadable' }, { state: 'lost', reason: 'wrapper-died' }],
  ['the machine went down', { launch, start, boot: 'next' }, { state: 'lost', reason: 'machine-restarted' }],
  ['the machine went down before the claim', { launch, boot: 'next' }, { state: 'lost', reason: 'machine-restarted' }],
  ['its launch was cut short', { launch }, { state: 'staging' }],
  ['its launch was cut short, and then a kill came', { launch, killBy: 9 }, { state: 'killed' }],
  ['it was voided', { launch, start: 'void' }, { state: 'not-launched', reason: 'launch-interrupted' }],
  ['it was voided for a kill', { launch, start: 'void', killBy: 9 }, { state: 'killed' }],
  ['only its directory is there', {}, { state: 'lost', reason: 'launch-interrupted' }],
];

for (const [situation, seen, expected] of TABLE) {
  test(`${situation}: ${expected.state}`, () => {
    const { status, isInterrupted } = judge({ ...NOTHING, ...seen });
    assert.deepEqual({ ...status, ...expected, taskId: 't' }, status);
    assert.equal(isInterrupted === true, status.state === 'staging');
  });
}

test.run();
