// limit: 120s
/** A task with a timeout ends at its bound even if no node lives: Mesos does it. The next leader learns what became of it. */

import assert from 'node:assert/strict';
import { test } from 'uvu';
import type { Clock } from '../../../src/clock/clock.ts';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { BACKSTOP_MARGIN_MS } from '../../../src/executor/mesos/task-info.ts';
import { ProcessRunner } from '../../mesos-master/runner/process.ts';
import { REAL_TIMING } from '../../mesos-master/timing.ts';
import { until } from '../../support/until.ts';
import { withNode } from './node-rig.ts';

const SPEED = 20;

/** A clock for Mesos that runs faster than the node's: a bound of minutes is over in seconds. */
function fastClock(): Clock {
  const begin = systemClock.now();
  return {
    now: () => begin + (systemClock.now() - begin) * SPEED,
    monotonic: () => systemClock.monotonic() * SPEED,
    timer: (delayMs, fn) => systemClock.timer(delayMs / SPEED, fn),
    sleep: (delayMs, signal) => systemClock.sleep(delayMs / SPEED, signal),
    random: () => systemClock.random(),
  };
}

const TIMEOUT_MS = 40_000;
const GRACE_MS = 20_000;

interface RunAnswer {
  readonly state: string;
  readonly reason?: { readonly text: string };
  readonly attempts: readonly { readonly reason?: { readonly data?: { readonly reason?: string } } }[];
}

test('with no leader alive a task ends at its timeout, its grace and the margin; the next leader is told why', async () => {
  const clock = fastClock();
  const master = { clock, timing: REAL_TIMING, runner: new ProcessRunner(systemClock) };
  await withNode({ master }, async (rig) => {
    const { history, calls } = rig.master;
    await rig.run({
      name: 'stuck',
      task: { command: 'echo $$; exec sleep 600', cpus: 0.1, mem: 32 },
      timeout: `PT${TIMEOUT_MS / 1000}S`,
      killGrace: `PT${GRACE_MS / 1000}S`,
      retry: { attempts: 1 },
    });
    await rig.awaitState('stuck', 'running');
    const log = await rig.node.get<string>('/v1/runs/stuck/1/logs?stream=stdout');
    const pid = Number(/^\d+$/m.exec(log.body)?.[0]);
    await rig.node.kill();
    assert.ok(isAlive(pid), 'the task outlives its node');

    await until(() => history.count('end', 'stuck.1.1') > 0, { limitMs: 60_000, what: 'Mesos to end the task' });
    const at = (kind: string): number => history.of('stuck.1.1').find((entry) => entry.kind === kind)?.at ?? Number.NaN;
    const ranMs = at('end') - at('start');
    const bound = TIMEOUT_MS + GRACE_MS + BACKSTOP_MARGIN_MS;
    assert.ok(ranMs >= bound && ranMs < bound + 40_000, `it ran for ${ranMs} ms of ${bound}`);
    assert.ok(!isAlive(pid), 'its process is gone');
    assert.equal(calls.filter(({ type }) => type === 'KILL').length, 0, 'nobody told it to');

    await rig.start();
    await rig.awaitState('stuck', 'failed');
    const { body } = await rig.node.get<RunAnswer>('/v1/runs/stuck/1');
    assert.equal(body.attempts.length, 1);
    assert.equal(body.attempts[0]?.reason?.data?.reason, 'max-completion-time');
    assert.equal(rig.master.launchCount('stuck.1.1'), 1);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test.run();
