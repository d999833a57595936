import * as assert from 'node:assert/strict';
import { suite } from 'uvu';
import { EngineFailure } from '../../../src/engine/quarantine.ts';
import type { LeaderObserver } from '../../../src/leader/observer.ts';
import { leaderObserver } from '../../../src/node/observe.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { Metrics } from '../../../src/telemetry/metrics.ts';

const test = suite('observe');

interface Setup {
  readonly observer: LeaderObserver;
  readonly lines: Record<string, unknown>[];
  /** The value of a series now; undefined when it is not there. */
  value(series: string): Promise<number | undefined>;
}

function setup(): Setup {
  const lines: Record<string, unknown>[] = [];
  const metrics = new Metrics();
  const logger = createLogger({
    level: 'debug',
    stream: { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  });
  return {
    observer: leaderObserver(logger, metrics, 'mesos'),
    lines,
    value: async (series) => {
      const line = (await metrics.expose()).body.split('\n').find((candidate) => candidate.startsWith(`${series} `));
      return line === undefined ? undefined : Number(line.slice(series.length + 1));
    },
  };
}

const CONNECTED = 'kairos_executor_connected{kind="mesos"}';

test('a leader whose executor was never reached is seen to be without one', async () => {
  const { observer, value } = setup();
  assert.equal(await value(CONNECTED), undefined);
  observer.termBegan(7n);
  assert.equal(await value(CONNECTED), 0);
});

test('the connection is followed, and ends with the term', async () => {
  const { observer, value } = setup();
  observer.termBegan(7n);
  observer.executorEvent({ type: 'connected', identity: 'f', exclusive: false });
  assert.equal(await value(CONNECTED), 1);
  observer.termEnded(7n, 'the lease ran out');
  assert.equal(await value(CONNECTED), 0);
});

test('a launch counts as the verdict of its nominal time, and only the first attempt does', async () => {
  const { observer, value } = setup();
  const launched = { type: 'attempt-launched', taskId: 'a.1.1', job: 'a', run: 1, agentId: 'x' } as const;
  observer.fact({ ...launched, latenessMs: 3 });
  observer.fact({ ...launched, taskId: 'a.1.2' });
  assert.equal(await value('kairos_verdicts_total{verdict="launched"}'), 1);
  assert.equal(await value('kairos_run_lateness_seconds_count'), 1);
});

test('offers are counted as they come and go', async () => {
  const { observer, value } = setup();
  observer.performed({ type: 'decline', offerIds: ['a', 'b'], refuseMs: 1 });
  observer.performed({ type: 'launch', offerIds: ['c'], tasks: [] });
  observer.executorEvent({ type: 'rescinded', offerId: 'd' });
  assert.deepEqual(
    await Promise.all(['declined', 'used', 'rescinded'].map((result) => value(`kairos_offers_total{result="${result}"}`))),
    [2, 1, 1],
  );
});

test('a change of state is one line, with the ids it is about', () => {
  const { observer, lines } = setup();
  observer.fact({ type: 'stray-task', taskId: 'a.1.1', state: 'running' });
  assert.deepEqual(
    lines.map(({ level, task, state }) => ({ level, task, state })),
    [{ level: 'warn', task: 'a.1.1', state: 'running' }],
  );
});

test('a failure of the engine is counted, and the job it failed on is named', async () => {
  const { observer, lines, value } = setup();
  observer.trouble('term', new EngineFailure('a', new Error('oh')));
  observer.trouble('term', new Error('the store is gone'));
  observer.fact({ type: 'job-quarantined', job: 'a', until: 5, failures: 2, problem: 'oh' });
  assert.equal(await value('kairos_engine_failures_total'), 1);
  assert.deepEqual(
    lines.slice(2).map(({ level, job, until, failures, problem }) => ({ level, job, until, failures, problem })),
    [{ level: lines[0]?.['level'], job: 'a', until: 5, failures: 2, problem: 'oh' }],
  );
});

test.run();
