import { spawnSync } from 'node:child_process';
import * as assert from 'node:assert/strict';
import { test } from 'uvu';
import { Metrics } from '../../../src/telemetry/metrics.ts';
import { COUNTERS, GAUGES, HISTOGRAMS } from '../../../src/telemetry/series.ts';

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

/** A node on which everything has happened once. */
function busyMetrics(): Metrics {
  const metrics = new Metrics();
  metrics.includeProcess({ version: '1.2.3', node: 'v20.0.0' });
  metrics.provide({
    jobs: () => 7,
    activeRuns: () => ({ queued: 1, pending: 2, backoff: 3, launching: 4, running: 5, killing: 6 }),
    queue: () => ({ depth: 2, oldestSeconds: 1.5 }),
    storeUp: () => true,
    replicaLagSeconds: () => 0.25,
  });
  metrics.runLaunched(0.004);
  metrics.runEnded('succeeded');
  metrics.attemptEnded('lost', 'infrastructure');
  metrics.verdictGiven('missed', 12);
  metrics.requestTaken('kill');
  metrics.decided(0.0004);
  metrics.committed('landed', 0.003, 17);
  metrics.offersChanged('received', 3);
  metrics.termBegan(42n);
  metrics.discrepanciesFound(1);
  metrics.executorEvent('status');
  metrics.executorConnected('mesos');
  metrics.httpAnswered({ method: 'GET', route: '/v1/jobs/:name', status: 200, seconds: 0.01 });
  return metrics;
}

async function bodyOf(metrics: Metrics): Promise<string> {
  return (await metrics.expose()).body;
}

function valueOf(body: string, series: string): number | undefined {
  const line = body.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

test('every series of the catalogue is exposed with its help and its type', async () => {
  const body = await bodyOf(busyMetrics());
  const kinds: [Record<string, { name: string; help: string }>, string][] = [
    [COUNTERS, 'counter'],
    [HISTOGRAMS, 'histogram'],
    [GAUGES, 'gauge'],
  ];
  for (const [table, type] of kinds) {
    for (const { name, help } of Object.values(table)) {
      assert.ok(body.includes(`# HELP ${name} ${help}`), name);
      assert.ok(body.includes(`# TYPE ${name} ${type}`), name);
    }
  }
});

test('what happened moves the series that say so', async () => {
  const body = await bodyOf(busyMetrics());
  assert.equal(valueOf(body, 'kairos_run_lateness_seconds_bucket{le="0.0025"}'), 0);
  assert.equal(valueOf(body, 'kairos_run_lateness_seconds_bucket{le="0.005"}'), 1);
  assert.equal(valueOf(body, 'kairos_runs_total{outcome="succeeded"}'), 1);
  assert.equal(valueOf(body, 'kairos_attempts_total{outcome="lost",fault="infrastructure"}'), 1);
  assert.equal(valueOf(body, 'kairos_verdicts_total{verdict="missed"}'), 12);
  assert.equal(valueOf(body, 'kairos_requests_total{type="kill"}'), 1);
  assert.equal(valueOf(body, 'kairos_commits_total{result="landed"}'), 1);
  assert.equal(valueOf(body, 'kairos_commit_writes_sum'), 17);
  assert.equal(valueOf(body, 'kairos_offers_total{result="received"}'), 3);
  assert.equal(valueOf(body, 'kairos_executor_connected{kind="mesos"}'), 1);
  assert.equal(valueOf(body, 'kairos_http_requests_total{method="GET",route="/v1/jobs/:name",status="200"}'), 1);
  assert.equal(valueOf(body, 'kairos_build_info{version="1.2.3",node="v20.0.0"}'), 1);
});

test('readings are taken at each scrape, not before', async () => {
  const metrics = new Metrics();
  let jobs = 1;
  metrics.provide({ jobs: () => jobs, queue: () => ({ depth: 0, oldestSeconds: 0 }) });
  assert.equal(valueOf(await bodyOf(metrics), 'kairos_jobs'), 1);
  jobs = 2;
  assert.equal(valueOf(await bodyOf(metrics), 'kairos_jobs'), 2);
  metrics.provide({ jobs: () => 9 });
  assert.equal(valueOf(await bodyOf(metrics), 'kairos_jobs'), 9);
});

test('a term shows its number and its end', async () => {
  const metrics = new Metrics();
  metrics.termBegan(42n);
  let body = await bodyOf(metrics);
  assert.equal(valueOf(body, 'kairos_leader'), 1);
  assert.equal(valueOf(body, 'kairos_term'), 42);
  metrics.termEnded();
  body = await bodyOf(metrics);
  assert.equal(valueOf(body, 'kairos_leader'), 0);
  assert.equal(valueOf(body, 'kairos_leader_changes_total'), 2);
});

test('counters with known labels stand at zero before anything happened', async () => {
  const body = await bodyOf(new Metrics());
  for (const outcome of ['succeeded', 'failed', 'killed', 'skipped', 'missed']) {
    assert.equal(valueOf(body, `kairos_runs_total{outcome="${outcome}"}`), 0);
  }
  assert.equal(valueOf(body, 'kairos_commits_total{result="term-lost"}'), 0);
});

test('a method or an executor that is not known is counted as other, so that nobody can make series', async () => {
  const metrics = new Metrics();
  metrics.httpAnswered({ method: 'BREW', route: undefined, status: 404 });
  metrics.executorConnected('somebody-elses');
  const body = await bodyOf(metrics);
  assert.equal(valueOf(body, 'kairos_http_requests_total{method="other",route="none",status="404"}'), 1);
  assert.equal(valueOf(body, 'kairos_executor_connected{kind="other"}'), 1);
  assert.ok(!body.includes('BREW') && !body.includes('somebody'));
});

test('a stream is counted but not timed', async () => {
  const metrics = new Metrics();
  metrics.httpAnswered({ method: 'GET', route: '/v1/events', status: 200 });
  const body = await bodyOf(metrics);
  assert.equal(valueOf(body, 'kairos_http_requests_total{method="GET",route="/v1/events",status="200"}'), 1);
  assert.ok(!body.includes('kairos_http_request_duration_seconds_count{'));
});

test('two nodes in one process do not share counters', async () => {
  const one = new Metrics();
  const other = new Metrics();
  one.runEnded('failed');
  assert.equal(valueOf(await bodyOf(other), 'kairos_runs_total{outcome="failed"}'), 0);
});

test('a clock that stepped back does not make a negative lateness', async () => {
  const metrics = new Metrics();
  metrics.runLaunched(-3);
  assert.equal(valueOf(await bodyOf(metrics), 'kairos_run_lateness_seconds_sum'), 0);
});

const withPromtool = hasPromtool ? test : test.skip;
withPromtool('promtool reads the exposition and finds nothing to complain of', async () => {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: await bodyOf(busyMetrics()), encoding: 'utf8' });
  assert.equal(stdout + stderr, '');
  assert.equal(status, 0);
});

test.run();
