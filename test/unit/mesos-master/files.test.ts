/** Command tasks as real processes, and their sandboxes over the agent's HTTP endpoints. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import assert from 'node:assert/strict';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { send, type Probe, type RawAnswer } from '../../mesos-master/probe.ts';
import { ProcessRunner } from '../../mesos-master/runner/process.ts';
import { brief, launch, stateOf, withRig, type Rig } from './rig.ts';

const REAL = (): { runner: ProcessRunner } => ({ runner: new ProcessRunner(systemClock) });

async function ran(rig: Rig, command: string, id = 'a task:1'): Promise<Probe> {
  const probe = await rig.subscribe({ acknowledges: true });
  await launch(rig, probe, { id, command, until: 'FINISHED' });
  return probe;
}

function get(rig: Rig, path: string): Promise<RawAnswer> {
  return send({ address: `127.0.0.1:${rig.master.agents[0]?.port}`, method: 'GET', path });
}

function api(rig: Rig, body: object): Promise<RawAnswer> {
  return send({ address: `127.0.0.1:${rig.master.agents[0]?.port}`, path: '/api/v1', body });
}

const virtual = (probe: Probe, rest = '', id = 'a task:1'): string => `/frameworks/${probe.frameworkId}/executors/${id}/runs/latest${rest}`;
const read = (path: string, query = ''): string => `/files/read?path=${encodeURIComponent(path)}${query}`;

test(
  'a command runs in its sandbox with its environment, and its output can be read in pieces',
  withRig(REAL(), async (rig) => {
    const probe = await ran(rig, 'printf "line 0\\nline 1\\n"; test "$PWD" = "$MESOS_SANDBOX" && test -n "$MESOS_AGENT_ENDPOINT"');
    const stdout = virtual(probe, '/stdout');
    const cases: readonly [string, unknown][] = [
      ['&offset=0', { data: 'line 0\nline 1\n', offset: 0 }],
      ['&offset=7&length=4', { data: 'line', offset: 7 }],
      ['', { data: '', offset: 14 }],
      ['&offset=-1', { data: '', offset: 14 }],
      ['&offset=14', { data: '', offset: 14 }],
      ['&offset=100000', { data: '', offset: 100_000 }],
      ['&offset=0&length=0', { data: '', offset: 0 }],
    ];
    for (const [query, wanted] of cases) {
      const answer = await get(rig, read(stdout, query));
      assert.equal(answer.headers['content-type'], 'application/json');
      assert.deepEqual(JSON.parse(answer.body), wanted, query);
    }
    assert.equal((await get(rig, read(stdout, '&offset=0&jsonp=cb'))).body.slice(0, 4), 'cb({');
    const download = await get(rig, `/files/download?path=${encodeURIComponent(stdout)}`);
    assert.deepEqual([download.body, download.headers['content-disposition']], ['line 0\nline 1\n', 'attachment; filename=stdout']);
  }),
);

test(
  'wrong requests for files',
  withRig(REAL(), async (rig) => {
    const probe = await ran(rig, 'true');
    const answers = await Promise.all([
      get(rig, '/files/read'),
      get(rig, '/files/browse'),
      get(rig, read(virtual(probe, '/stdout'), '&offset=abc')),
      get(rig, read(virtual(probe), '&offset=0')),
      get(rig, read(virtual(probe, '/nope'), '&offset=0')),
      get(rig, read(virtual(probe, '/../../../../../../../../etc/passwd'), '&offset=0')),
      get(rig, read('/etc/passwd', '&offset=0')),
      get(rig, read(virtual(probe, '/stdout').replace('frameworks', 'framework'), '&offset=0')),
      get(rig, `/files/browse?path=${encodeURIComponent(virtual(probe).replace('/runs/latest', ''))}`),
      get(rig, '/slave(1)/files/read'),
      get(rig, '/files/read.json'),
    ]);
    assert.deepEqual(
      answers.map(({ status, body }) => `${status} ${body}`),
      [
        "400 Expecting 'path=value' in query.\n",
        "400 Expecting 'path=value' in query.\n",
        "400 Failed to parse offset: Failed to convert 'abc' to number.\n",
        '400 Cannot read a directory.\n',
        '404 ',
        '404 ',
        '404 ',
        '404 ',
        '404 ',
        '404 404 Not Found.',
        '404 404 Not Found.',
      ],
    );
  }),
);

test(
  'at most 64 KiB in one answer, and bytes that are no UTF-8 come raw or as base64',
  withRig(REAL(), async (rig) => {
    const probe = await ran(rig, 'head -c 70000 /dev/zero | tr "\\0" x; printf "\\377\\376" >&2');
    const large = JSON.parse((await get(rig, read(virtual(probe, '/stdout'), '&offset=0&length=100000'))).body) as { data: string };
    assert.equal(large.data.length, 65_536);
    const raw = await fetch(`http://127.0.0.1:${rig.master.agents[0]?.port}${read(virtual(probe, '/stderr'), '&offset=0')}`);
    assert.ok(Buffer.from(await raw.arrayBuffer()).includes(Buffer.from([0xff, 0xfe])));
    const file = await api(rig, { type: 'READ_FILE', read_file: { path: virtual(probe, '/stderr'), offset: 0 } });
    assert.deepEqual(JSON.parse(file.body), {
      type: 'READ_FILE',
      read_file: { size: 2, data: Buffer.from([0xff, 0xfe]).toString('base64') },
    });
  }),
);

test(
  'the v1 API lists and reads files, by virtual and by real path, until they are collected',
  withRig(REAL(), async (rig) => {
    const probe = await ran(rig, 'echo hi');
    const list = JSON.parse((await api(rig, { type: 'LIST_FILES', list_files: { path: virtual(probe) } })).body) as {
      list_files: { file_infos: { path: string; size: number }[] };
    };
    assert.deepEqual(
      list.list_files.file_infos.map(({ path, size }) => [path, size]),
      [
        [virtual(probe, '/stderr'), 0],
        [virtual(probe, '/stdout'), 3],
      ],
    );
    const browse = JSON.parse((await get(rig, `/files/browse?path=${encodeURIComponent(virtual(probe))}`)).body) as {
      path: string;
      mode: string;
    }[];
    assert.deepEqual([browse[1]?.path, browse[1]?.mode], [virtual(probe, '/stdout'), '-rw-r--r--']);
    const state = JSON.parse((await get(rig, '/state')).body) as { frameworks: { completed_executors: { directory: string }[] }[] };
    const directory = state.frameworks[0]?.completed_executors[0]?.directory ?? '';
    const past = await api(rig, { type: 'READ_FILE', read_file: { path: `${directory}/stdout`, offset: 99, length: 6 } });
    assert.deepEqual(JSON.parse(past.body), { type: 'READ_FILE', read_file: { size: 3, data: '' } });
    const missing = await api(rig, { type: 'READ_FILE', read_file: { path: `${directory}/stdout` } });
    assert.equal(missing.body, 'Failed to convert JSON into Call protobuf: Missing required fields: read_file.offset');
    rig.master.agents[0]?.collectSandbox(probe.frameworkId, 'a task:1');
    assert.equal((await get(rig, read(virtual(probe, '/stdout'), '&offset=0'))).status, 404);
  }),
);

for (const [what, parts, text] of [
  ['a status', { command: 'exit 3' }, 'FAILED EXECUTOR Command exited with status 3'],
  ['a signal', { command: 'kill -9 $$' }, 'FAILED EXECUTOR Command terminated with signal Killed'],
  ['a command that is not found', { command: 'nosuchcommand' }, 'FAILED EXECUTOR Command exited with status 127'],
  [
    'a file that does not exist',
    { more: { command: { shell: false, value: '/nosuch', arguments: ['nosuch'] } } },
    'FAILED EXECUTOR Command exited with status 1',
  ],
] as const) {
  test(
    `the end of a command: ${what}`,
    withRig(REAL(), async (rig) => {
      const probe = await rig.subscribe({ acknowledges: true });
      assert.equal(brief(await launch(rig, probe, { id: 't', ...parts, until: 'FAILED' })), text);
      assert.deepEqual(
        probe.statusesOf('t').map(({ state }) => state),
        ['TASK_STARTING', 'TASK_RUNNING', 'TASK_FAILED'],
      );
    }),
  );
}

test(
  'arguments follow the path, the first being the name; a user must exist',
  withRig(REAL(), async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true });
    await launch(rig, probe, {
      id: 'echo',
      more: { command: { shell: false, value: '/bin/echo', arguments: ['echo', 'a b', '$HOME'] } },
      until: 'FINISHED',
    });
    const out = JSON.parse((await get(rig, read(virtual(probe, '/stdout', 'echo'), '&offset=0'))).body) as { data: string };
    assert.equal(out.data, 'a b $HOME\n');
    const dropped = await launch(rig, probe, { id: 'u', more: { command: { value: 'true', user: 'nosuchuser' } }, until: 'DROPPED' });
    assert.match(
      dropped.message ?? '',
      /^Failed to create executor directory '.*': Failed to chown directory to 'nosuchuser': No such user 'nosuchuser'$/,
    );
    assert.deepEqual([dropped.reason, dropped.source], ['REASON_EXECUTOR_TERMINATED', 'SOURCE_AGENT']);
  }),
);

/** RUNNING says that there is a process, not how far it has come. */
async function isReady(rig: Rig, probe: Probe, id: string): Promise<void> {
  for (let data = ''; data === ''; ) {
    ({ data } = JSON.parse((await get(rig, read(virtual(probe, '/stdout', id), '&offset=0'))).body) as { data: string });
  }
}

test(
  'a process and its children end with a kill, or after the grace',
  withRig(REAL(), async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true });
    await launch(rig, probe, { id: 'polite', command: 'sleep 50 & wait', until: 'RUNNING' });
    await probe.call('KILL', { kill: { task_id: { value: 'polite' } } });
    assert.equal((await stateOf(rig, probe, { id: 'polite', state: 'KILLED' })).message, 'Command terminated with signal Terminated');
    await launch(rig, probe, { id: 'deaf', command: 'trap "" TERM; echo ready; while true; do sleep 0.05; done', until: 'RUNNING' });
    await isReady(rig, probe, 'deaf');
    await probe.call('KILL', { kill: { task_id: { value: 'deaf' }, kill_policy: { grace_period: { nanoseconds: 100e6 } } } });
    assert.equal((await stateOf(rig, probe, { id: 'deaf', state: 'KILLED' })).message, 'Command terminated with signal Killed');
    await launch(rig, probe, { id: 'seven', command: 'trap "exit 7" TERM; echo ready; while true; do sleep 0.02; done', until: 'RUNNING' });
    await isReady(rig, probe, 'seven');
    await probe.call('KILL', { kill: { task_id: { value: 'seven' } } });
    assert.equal((await stateOf(rig, probe, { id: 'seven', state: 'KILLED' })).message, 'Command exited with status 7');
  }),
);

test(
  'URIs are fetched, unpacked and made executable before the start; a missing one is a failed launch',
  withRig(REAL(), async (rig) => {
    const dir = mkdtempSync(join(tmpdir(), 'stand-in-uris-'));
    writeFileSync(join(dir, 'run.sh'), '#!/bin/sh\ncat inner.txt\n');
    writeFileSync(join(dir, 'inner.txt'), 'unpacked\n');
    execFileSync('tar', ['-czf', join(dir, 'data.tar.gz'), '-C', dir, 'inner.txt']);
    const uris = [{ value: `file://${dir}/run.sh`, executable: true }, { value: join(dir, 'data.tar.gz') }];
    const probe = await rig.subscribe({ acknowledges: true });
    await launch(rig, probe, { id: 'good', more: { command: { value: './run.sh', uris } }, until: 'FINISHED' });
    const out = JSON.parse((await get(rig, read(virtual(probe, '/stdout', 'good'), '&offset=0'))).body) as { data: string };
    assert.equal(out.data, 'unpacked\n');
    const bad = await launch(rig, probe, {
      id: 'bad',
      more: { command: { value: 'true', uris: [{ value: `${dir}/nope` }] } },
      until: 'FAILED',
    });
    assert.match(
      brief(bad),
      /^FAILED AGENT CONTAINER_LAUNCH_FAILED Failed to launch container: Failed to fetch all URIs for container '[0-9a-f-]+': exited with status 1$/,
    );
    rmSync(dir, { recursive: true });
  }),
);

test.run();
