// limit: 120s
/** Mesos has removed the framework: a node says so and launches nothing; an operator has it forgotten, and a new one begins. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import { StandInMaster } from '../../mesos-master/master.ts';
import { startKairos } from '../../support/kairos-node.ts';
import { until } from '../../support/until.ts';
import { QUICK } from './mesos-rig.ts';

const main = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));

interface Said {
  readonly code: number;
  readonly text: string;
}

function kairos(args: readonly string[]): Promise<Said> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', main, ...args], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, text: stdout + stderr });
    });
  });
}

interface Bundle {
  readonly master: StandInMaster;
  readonly settings: readonly string[];
  /** `kairos framework forget` with these flags. */
  forget(...flags: readonly string[]): Promise<Said>;
}

async function withCluster(body: (bundle: Bundle) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'kairos-removed-'));
  const master = await StandInMaster.start({ timing: QUICK });
  const settings = [
    'store.kind=embedded',
    `store.embedded.directory=${directory}`,
    'executor.kind=mesos',
    `executor.mesos.masters=["${master.url}"]`,
    // Its end is the end of the framework, and of its tasks.
    'executor.mesos.failoverTimeoutMs=0',
  ];
  const given = settings.filter((setting) => setting.startsWith('store.')).flatMap((setting) => ['--set', setting]);
  try {
    await body({ master, settings, forget: (...flags) => kairos(['framework', 'forget', ...given, ...flags]) });
  } finally {
    await master.stop();
    rmSync(directory, { recursive: true });
  }
}

const ids = (master: StandInMaster): string[] =>
  master.events.flatMap((event) => (event.type === 'SUBSCRIBED' ? [event.subscribed.framework_id.value] : []));

test('a node whose framework was removed says so and waits for a person; once it is forgotten a new one begins, and lost runs are tried again', async () => {
  await withCluster(async ({ master, settings, forget }) => {
    const first = await startKairos(settings);
    await first.call('PUT', '/v1/jobs/a', { name: 'a', task: { image: 'busybox:1.36', command: 'sleep 600' } });
    await first.post('/v1/jobs/a/runs', {});
    await until(() => master.launchCount('a.1.1') === 1, { limitMs: 20_000, what: 'a launch' });
    const led = await forget('--yes');
    assert.ok(led.code === 1, led.text);
    // Killed: the run stays alive in the store while Mesos, hearing nothing, kills its task.
    await first.kill();

    const second = await startKairos(settings);
    const readiness = async (): Promise<string> => JSON.stringify((await second.get('/readyz')).body);
    await until(async () => /removed this framework/.test(await readiness()), {
      limitMs: 20_000,
      what: 'the node to say that its framework was removed',
    });
    assert.equal((await second.get('/readyz')).status, 503);
    assert.equal(await second.stop(), 0);
    assert.equal(new Set(ids(master)).size, 1);

    const refused = await forget('--yes');
    assert.deepEqual([refused.code, /run a#1 believed alive/.test(refused.text)], [1, true], refused.text);
    const looked = await forget('--force');
    assert.deepEqual([looked.code, /add --yes/.test(looked.text)], [1, true], looked.text);
    const done = await forget('--yes', '--force');
    assert.deepEqual([done.code, /is forgotten/.test(done.text)], [0, true], done.text);
    assert.match((await forget('--yes')).text, /no framework id is stored/);

    const third = await startKairos(settings);
    await until(() => master.launchCount('a.1.2') === 1, { limitMs: 30_000, what: 'another attempt of the lost run' });
    assert.equal(new Set(ids(master)).size, 2);
    assert.equal((await third.get('/readyz')).status, 200);
    await third.stop();
  });
});

test.run();
