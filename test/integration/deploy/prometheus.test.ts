/** deploy/prometheus: the files by promtool, the alerts by what they do on made-up series. */

import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import { stringify } from 'yaml';
import { COUNTERS, GAUGES, HISTOGRAMS } from '../../../src/telemetry/series.ts';
import { deployDir, readDeployFile, readYaml } from './compose-file.ts';

const test = suite('prometheus');

const alertsFile = join(deployDir, 'prometheus/alerts.yml');

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string }[] }[];
}

function promtool(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
}

/** `series`: what is scraped each minute. `fires`: labels by which the alert fires after `minutes`; none: it does not. */
function assertAlert(
  alert: string,
  series: Readonly<Record<string, string>>,
  expected: { minutes: number; fires: readonly Record<string, string>[] },
): void {
  const dir = mkdtempSync(join(tmpdir(), 'alerts-'));
  const input = Object.entries(series).map(([name, values]) => ({ series: name, values }));
  const exp_alerts = expected.fires.map((exp_labels) => ({ exp_labels }));
  const at = { eval_time: `${expected.minutes}m`, alertname: alert, exp_alerts };
  writeFileSync(
    join(dir, 'test.yml'),
    stringify({ rule_files: [silentRules(dir)], tests: [{ interval: '1m', input_series: input, alert_rule_test: [at] }] }),
  );
  promtool('test', 'rules', join(dir, 'test.yml'));
  rmSync(dir, { recursive: true });
}

/** The rules without their texts, which a test would have to repeat. */
function silentRules(dir: string): string {
  const { groups } = readYaml<{ groups: { name: string; rules: Record<string, unknown>[] }[] }>('prometheus/alerts.yml');
  const file = join(dir, 'rules.yml');
  writeFileSync(
    file,
    stringify({ groups: groups.map(({ name, rules }) => ({ name, rules: rules.map(({ annotations: _, ...rule }) => rule) })) }),
  );
  return file;
}

test('promtool accepts the configuration and the rules', () => {
  promtool('check', 'config', join(deployDir, 'prometheus/prometheus.yml'));
  promtool('check', 'rules', alertsFile);
});

test('alerts ask for series that Kairos has', () => {
  const known = [...Object.values(COUNTERS), ...Object.values(GAUGES), ...Object.values(HISTOGRAMS)].map(({ name }) => name);
  const asked = [...readDeployFile('prometheus/alerts.yml').matchAll(/\bkairos_[a-z_]+/g)].map(([name]) => name.replace(/_bucket$/, ''));
  assert.ok(asked.length > 10);
  assert.deepEqual(
    asked.filter((name) => !known.includes(name)),
    [],
  );
});

test('every alert says how bad it is and what it means', () => {
  const rules = readYaml<{ groups: { rules: { alert: string; labels: { severity: string }; annotations: { summary: string } }[] }[] }>(
    'prometheus/alerts.yml',
  );
  for (const { alert, labels, annotations } of rules.groups.flatMap((group) => group.rules)) {
    assert.match(labels.severity, /^(page|ticket)$/, alert);
    assert.ok(annotations.summary.endsWith('.'), alert);
  }
});

test('no leader is noticed, also when no node answers at all', () => {
  const page = { severity: 'page' };
  assertAlert(
    'KairosNoLeader',
    { 'kairos_leader{instance="a"}': '1 0x5', 'kairos_leader{instance="b"}': '0x6' },
    { minutes: 3, fires: [page] },
  );
  assertAlert('KairosNoLeader', {}, { minutes: 3, fires: [page] });
  assertAlert('KairosNoLeader', { 'kairos_leader{instance="a"}': '1x6', 'kairos_leader{instance="b"}': '0x6' }, { minutes: 3, fires: [] });
});

test('a lost executor is noticed on the leader only', () => {
  const lost = {
    'kairos_executor_connected{instance="a",kind="mesos"}': '0x6',
    'kairos_executor_connected{instance="b",kind="mesos"}': '0x6',
  };
  assertAlert(
    'KairosExecutorDisconnected',
    { ...lost, 'kairos_leader{instance="a"}': '1x6', 'kairos_leader{instance="b"}': '0x6' },
    { minutes: 5, fires: [{ severity: 'page', instance: 'a', kind: 'mesos' }] },
  );
});

test('one missed nominal time is enough', () => {
  const missed = 'kairos_verdicts_total{verdict="missed",instance="a"}';
  assertAlert('KairosRunsMissed', { [missed]: '0 0 1 1 1' }, { minutes: 4, fires: [{ severity: 'page' }] });
  assertAlert('KairosRunsMissed', { [missed]: '7x10' }, { minutes: 8, fires: [] });
});

test('late runs are noticed by their slowest hundredth', () => {
  const bucket = (le: string): string => `kairos_run_lateness_seconds_bucket{le="${le}"}`;
  const late = { [bucket('10')]: '0+90x20', [bucket('30')]: '0+100x20', [bucket('+Inf')]: '0+100x20' };
  const soon = { [bucket('10')]: '0+100x20', [bucket('30')]: '0+100x20', [bucket('+Inf')]: '0+100x20' };
  assertAlert('KairosRunsLate', late, { minutes: 15, fires: [{ severity: 'ticket' }] });
  assertAlert('KairosRunsLate', soon, { minutes: 15, fires: [] });
});

test('alerts have names of their own', () => {
  const names = readYaml<Rules>('prometheus/alerts.yml').groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
  assert.equal(new Set(names).size, names.length);
});

test.run();
