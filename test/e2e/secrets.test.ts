// limit: 120s
/** A secret reaches the task that names it, and is nowhere else: not in a log line, an answer, an error, a metric, or the store. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { systemClock } from '../../src/clock/system-clock.ts';
import { StandInMaster } from '../mesos-master/master.ts';
import { ProcessRunner } from '../mesos-master/runner/process.ts';
import { type KairosNode, startKairos } from '../support/kairos-node.ts';
import { until } from '../support/until.ts';

/** Parts that would be seen if the whole were quoted, escaped or cut. */
const VALUE = 'hush-4711 \'and\' "more"\nhush-4712';
const TRACE = /hush-471\d/;
/** As each is said in base64, at any of the three offsets. */
const TRACE_BASE64 = /aHVzaC00NzE|h1c2gtNDcx|odXNoLTQ3M/;
/** Says that it has the secret without telling it. */
const CHECKS = 'test "$(printf %s "$TOKEN" | cksum)" = "$WANTED" && echo has-it';

interface Places {
  readonly directory: string;
  readonly secrets: string;
  readonly settings: readonly string[];
}

async function withPlaces(settings: (directory: string) => readonly string[], body: (places: Places) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'kairos-secret-'));
  const secrets = join(directory, 'secrets');
  mkdirSync(secrets);
  writeFileSync(join(secrets, 'token'), `${VALUE}\n`);
  const common = [
    'log.level=debug',
    'store.kind=embedded',
    `store.embedded.directory=${directory}/store`,
    `executor.secretsDirectory=${secrets}`,
  ];
  try {
    await body({ directory, secrets, settings: [...common, ...settings(directory)] });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function define(node: KairosNode, name: string, end: string, secret = 'token'): Promise<void> {
  const sum = execFileSync('cksum', { input: VALUE }).toString().trim();
  const task = { command: `${CHECKS}; ${end}`, env: { WANTED: sum }, secrets: { TOKEN: secret }, cpus: 0.1, mem: 32 };
  const { status, body } = await node.call('PUT', `/v1/jobs/${name}`, { name, task, retry: { attempts: 1 } });
  assert.ok(status < 300, JSON.stringify(body));
  await node.post(`/v1/jobs/${name}/runs`, {});
}

async function awaitState(node: KairosNode, job: string, wanted: string): Promise<void> {
  let seen = '';
  const isSo = async (): Promise<boolean> => {
    seen = JSON.stringify((await node.get(`/v1/runs/${job}/1`)).body);
    return seen.includes(`"state":"${wanted}"`);
  };
  await until(isSo, { limitMs: 20_000, what: () => `${job} to be ${wanted}: ${seen}` });
}

/** Everything that a node says to anybody. */
async function answers(node: KairosNode, jobs: readonly string[]): Promise<string> {
  const paths = ['/metrics', '/readyz', '/healthz', '/v1/jobs', '/v1/graph', '/v1/leader', '/v1/nodes', '/v1/suspension'];
  for (const job of jobs) {
    for (const part of ['', '/runs', '/verdicts', '/why']) paths.push(`/v1/jobs/${job}${part}`);
    for (const part of ['', '/why', '/logs?stream=stdout', '/logs?stream=stderr']) paths.push(`/v1/runs/${job}/1${part}`);
  }
  const said = await Promise.all(paths.map(async (path) => ({ path, ...(await node.get(path)) })));
  // Of a task that never ran there is no log.
  assert.deepEqual(
    said.filter(({ path, status }) => status === 404 && !path.startsWith('/v1/runs/without/1/logs')),
    [],
  );
  return said.map((answer) => JSON.stringify(answer)).join('\n');
}

function assertSilent(text: string, where: string): void {
  const at = [TRACE, TRACE_BASE64].map((trace) => text.search(trace)).find((index) => index >= 0);
  if (at !== undefined) assert.fail(`${where} has it: ${text.slice(Math.max(0, at - 200), at + 50)}`);
}

function textOfFiles(directory: string): string {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

/** Of all that runs on this machine, as anybody on it can see. */
function commandLines(): string {
  const ids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return ids.map((id) => readLine(`/proc/${id}/cmdline`)).join('\n');
}

function readLine(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // It has just ended.
    return '';
  }
}

/** Four runs: one that ends well, one that fails, one that is killed, and one whose secret is not there. */
async function runAll(node: KairosNode): Promise<readonly string[]> {
  await define(node, 'good', 'exit 0');
  await define(node, 'bad', 'exit 3');
  await define(node, 'long', 'sleep 600');
  await define(node, 'without', 'exit 0', 'no-such');
  await awaitState(node, 'good', 'succeeded');
  await awaitState(node, 'bad', 'failed');
  await awaitState(node, 'long', 'running');
  for (const job of ['good', 'bad', 'long']) {
    const read = async (): Promise<string> => (await node.get<string>(`/v1/runs/${job}/1/logs?stream=stdout`)).body;
    await until(async () => /^has-it$/m.test(await read()), { limitMs: 10_000, what: `${job} to have the secret` });
  }
  assertSilent(commandLines(), 'a command line');
  await node.post('/v1/runs/long/1/kill', {});
  await awaitState(node, 'long', 'killed');
  const missing = async (): Promise<string> => JSON.stringify((await node.get('/v1/runs/without/1')).body);
  await until(async () => /secret no-such: the leader's node can't read it/.test(await missing()), {
    limitMs: 10_000,
    what: 'the missing secret to be told',
  });
  return ['good', 'bad', 'long', 'without'];
}

async function assertNowhere(node: KairosNode, jobs: readonly string[], directory: string): Promise<void> {
  assertSilent(await answers(node, jobs), 'an answer');
  assert.equal(await node.stop(), 0);
  assertSilent(node.log.join('\n'), 'the log');
  const store = textOfFiles(join(directory, 'store'));
  assert.ok(store.includes('no-such'), 'the store was read');
  assertSilent(store, 'the store');
}

test('process executor: the task has the secret, nothing else does, and no file of it is left', async () => {
  const settings = (directory: string): string[] => ['executor.kind=process', `executor.process.directory=${directory}/tasks`];
  await withPlaces(settings, async (places) => {
    const node = await startKairos(places.settings);
    try {
      const jobs = await runAll(node);
      assertSilent(textOfFiles(join(places.directory, 'tasks')), 'a file of a task');
      assert.match(textOfFiles(join(places.directory, 'tasks')), /^has-it$/m);
      await assertNowhere(node, jobs, places.directory);
    } finally {
      await node.stop();
    }
  });
});

test('Mesos: the task has the secret, and of all that Mesos is told only its environment', async () => {
  const master = await StandInMaster.start({ runner: new ProcessRunner(systemClock) });
  try {
    await withPlaces(
      () => ['executor.kind=mesos', `executor.mesos.masters=["${master.url}"]`],
      async (places) => {
        const node = await startKairos(places.settings);
        try {
          const jobs = await runAll(node);
          const infos = master.calls.flatMap(({ accept }) => accept?.operations?.flatMap(({ launch }) => launch?.task_infos ?? []) ?? []);
          assert.equal(infos.length, 3);
          for (const info of infos) {
            const { environment, ...command } = info.command ?? {};
            assert.equal(environment?.variables?.find(({ name }) => name === 'TOKEN')?.value, VALUE);
            assertSilent(JSON.stringify({ ...info, command }), 'a task beside its environment');
          }
          assertSilent(JSON.stringify(master.calls.filter(({ type }) => type !== 'ACCEPT')), 'another call');
          await assertNowhere(node, jobs, places.directory);
        } finally {
          await node.stop();
        }
      },
    );
  } finally {
    await master.stop();
  }
});

test.run();
