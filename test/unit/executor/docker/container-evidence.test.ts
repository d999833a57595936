import assert from 'node:assert/strict';
import { test } from 'uvu';
import { containerReport } from '../../../../src/executor/docker/container-evidence.ts';
import type { ContainerDetails } from '../../../../src/executor/docker/engine-api.ts';
import type { TaskStatus } from '../../../../src/executor/port.ts';

type State = ContainerDetails['State'];

const BOOTED = Date.parse('2026-01-01T00:00:00Z');
const NEVER = '0001-01-01T00:00:00Z';
const fresh: State = { Status: 'created', OOMKilled: false, ExitCode: 0, Error: '', StartedAt: NEVER, FinishedAt: NEVER };
const running: State = { ...fresh, Status: 'running', StartedAt: '2026-01-01T01:00:00Z' };
const exited: State = { ...running, Status: 'exited', FinishedAt: '2026-01-01T02:00:00.5Z' };
const KILL = '.kill-77';

const TABLE: readonly (readonly [string, Partial<State>, string, Partial<TaskStatus>])[] = [
  ['it runs', running, '', { state: 'running', at: Date.parse(running.StartedAt) }],
  ['it is paused', { ...running, Status: 'paused' }, '', { state: 'running' }],
  ['it runs and is to end', running, KILL, { state: 'killing' }],
  ['it ended well', exited, '', { state: 'finished', exitCode: 0, at: Date.parse(exited.FinishedAt) }],
  ['it ended badly', { ...exited, ExitCode: 3 }, '', { state: 'failed', exitCode: 3 }],
  ['a signal ended it', { ...exited, ExitCode: 137 }, '', { state: 'failed', signal: 'SIGKILL' }],
  [
    'it ran out of memory',
    { ...exited, ExitCode: 137, OOMKilled: true },
    '',
    { state: 'failed', outOfMemory: true, reason: 'out-of-memory' },
  ],
  ['a child of it ran out of memory', { ...exited, OOMKilled: true }, '', { state: 'finished' }],
  ['it ended as asked', { ...exited, ExitCode: 143 }, KILL, { state: 'killed', signal: 'SIGTERM' }],
  ['it was created only', fresh, '', { state: 'staging' }],
  ['it was killed before it began', fresh, KILL, { state: 'killed' }],
  [
    'no such command',
    { ...fresh, ExitCode: 127, Error: 'exec: "x": not found' },
    '',
    { state: 'failed', exitCode: 127, reason: 'command-not-found' },
  ],
  ['no program', { ...fresh, ExitCode: 126, Error: 'permission denied' }, '', { state: 'failed', reason: 'command-not-executable' }],
  ['no such user', { ...fresh, ExitCode: 128, Error: 'unable to find user etl: no' }, '', { state: 'rejected', reason: 'user-unknown' }],
  ['no such network', { ...fresh, ExitCode: 128, Error: 'network foo not found' }, '', { state: 'rejected', reason: 'network-missing' }],
  [
    'its port is taken',
    { ...fresh, ExitCode: 128, Error: 'port is already allocated' },
    '',
    { state: 'not-launched', reason: 'start-failed' },
  ],
  [
    'the machine went down under it',
    { ...exited, ExitCode: 255, StartedAt: '2025-12-31T23:00:00Z', FinishedAt: '2026-01-01T00:00:09Z' },
    '',
    { state: 'lost', reason: 'machine-restarted' },
  ],
  [
    'it ended before the machine went down',
    { ...exited, StartedAt: '2025-12-31T22:00:00Z', FinishedAt: '2025-12-31T23:00:00Z' },
    '',
    { state: 'finished' },
  ],
];

for (const [situation, state, mark, expected] of TABLE) {
  test(`${situation}: ${expected.state}`, () => {
    const container = { Id: 'x', Name: `/n.t.1.1${mark}`, State: { ...fresh, ...state }, Config: { Labels: {} } };
    const report = containerReport(container, BOOTED);
    assert.ok(report);
    assert.deepEqual({ ...report.status, ...expected, taskId: 't.1.1' }, report.status);
    assert.equal(report.isInterrupted === true, report.status.state === 'staging');
    assert.equal(report.killBy, report.status.state === 'killing' ? 77 : undefined);
  });
}

test('a container that is not ours gives no report', () => {
  assert.equal(containerReport({ Id: 'x', Name: '/db', State: running, Config: { Labels: null } }, BOOTED), undefined);
});

test.run();
