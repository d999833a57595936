/** deploy/docker-compose.yml: what can be known of it without its images, with a real etcd for the commands of its three. */

import * as assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import { environmentName, leafPaths, loadConfig } from '../../../src/node/config/load-config.ts';
import type { Config } from '../../../src/node/config/schema.ts';
import { configSchema } from '../../../src/node/config/schema.ts';
import { freePorts } from '../../support/free-ports.ts';
import { until } from '../../support/until.ts';
import { deployDir, flagOf, readCompose, readDeployFile, readYaml, servicesCalled } from './compose-file.ts';

const test = suite('compose');

const compose = readCompose();
const nodes = servicesCalled(compose, 'kairos-');
const members = servicesCalled(compose, 'etcd-');

function configs(): readonly Config[] {
  return nodes.map(([, { environment }]) => loadConfig({ file: join(deployDir, 'kairos.yaml'), env: environment ?? {} }));
}

/** Every `host:port` that a part listens on. */
function addresses(): readonly string[] {
  const { services } = compose;
  return [
    ...members.flatMap(([, member]) => [flagOf(member, 'listen-client-urls'), flagOf(member, 'listen-peer-urls')]),
    ...['mesos-master', 'mesos-agent'].map(
      (name) => `${services[name]?.environment?.['MESOS_IP']}:${services[name]?.environment?.['MESOS_PORT']}`,
    ),
    ...configs().map(({ api }) => `${api.host}:${api.port}`),
    flagOf(services['prometheus']!, 'web.listen-address'),
  ].map((address) => address.replace('http://', ''));
}

test('it has three etcd, a Mesos master and agent, three nodes and Prometheus', () => {
  assert.deepEqual(Object.keys(compose.services).sort(), [
    'etcd-1',
    'etcd-2',
    'etcd-3',
    'kairos-1',
    'kairos-2',
    'kairos-3',
    'mesos-agent',
    'mesos-master',
    'prometheus',
  ]);
});

test('nothing in it can be reached from outside, and no two parts want one port', () => {
  for (const [name, { network_mode }] of Object.entries(compose.services)) assert.equal(network_mode, 'host', name);
  for (const address of addresses()) assert.match(address, /^127\.0\.0\.1:\d+$/);
  assert.equal(new Set(addresses()).size, 12);
});

test('the nodes have a configuration that Kairos accepts, each a name of its own', () => {
  assert.equal(new Set(configs().map(({ node }) => node.id)).size, 3);
  for (const { store, executor } of configs()) assert.deepEqual([store.kind, executor.kind], ['etcd', 'mesos']);
});

test('every variable of ours that the files in deploy set is a key of the configuration', () => {
  const known = leafPaths(configSchema).map((path) => environmentName(path));
  const files = ['docker-compose.yml', 'Dockerfile', 'kairos.service'];
  const used = files.flatMap((name) => [...readDeployFile(name).matchAll(/\bKAIROS_[A-Z_]+/g)].map(([variable]) => variable));
  assert.ok(used.length > 8);
  assert.deepEqual(
    used.filter((variable) => !known.includes(variable)),
    [],
  );
});

test('the nodes look for etcd, Mesos and their file where these are', () => {
  const hosts = members.map(([, member]) => flagOf(member, 'advertise-client-urls'));
  for (const { store, executor } of configs()) {
    assert.deepEqual(store.etcd.hosts, hosts);
    assert.deepEqual(executor.mesos.masters, ['http://127.0.0.1:5050']);
  }
  for (const [, { command, volumes }] of nodes) {
    const [source, target] = volumes?.[0]?.split(':') ?? [];
    assert.ok(existsSync(join(deployDir, source ?? '')));
    assert.deepEqual(command, ['node', '--config', target]);
  }
});

test('Prometheus scrapes every node and every etcd', () => {
  const { scrape_configs } = readYaml<{ scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[] }>(
    'prometheus/prometheus.yml',
  );
  const targetsOf = (job: string): unknown => scrape_configs.find(({ job_name }) => job_name === job)?.static_configs[0]?.targets;
  assert.deepEqual(
    targetsOf('kairos'),
    configs().map(({ api }) => `${api.host}:${api.port}`),
  );
  assert.deepEqual(
    targetsOf('etcd'),
    members.map(([, member]) => flagOf(member, 'listen-client-urls').replace('http://', '')),
  );
});

test('what services depend on and mount is there', () => {
  for (const [name, { depends_on = [], volumes = [] }] of Object.entries(compose.services)) {
    for (const other of depends_on) assert.ok(other in compose.services, `${name} depends on ${other}`);
    for (const source of volumes.map((volume) => volume.split(':')[0] ?? '')) {
      const isThere = source.startsWith('/') || (source.startsWith('.') ? existsSync(join(deployDir, source)) : source in compose.volumes);
      assert.ok(isThere, `${name} mounts ${source}`);
    }
  }
});

test('the three etcd commands form a cluster', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'compose-etcd-'));
  const written = ['2379', '2380', '2381', '2382', '2383', '2384'];
  const free = await freePorts(written.length);
  const ports = new Map(written.map((port, index) => [port, free[index]]));
  const started = members.map(([name, { command = [] }]) => {
    const [program = '', ...flags] = command;
    const moved = flags.map((flag) =>
      flag.replaceAll(/127\.0\.0\.1:(\d+)/g, (_, port: string) => `127.0.0.1:${ports.get(port)}`).replace('/etcd-data', join(dir, name)),
    );
    return spawn(program, moved, { stdio: 'ignore' });
  });
  try {
    const client = `http://127.0.0.1:${ports.get('2381')}`;
    const isHealthy = async (): Promise<boolean> => /"true"/.test(await (await fetch(`${client}/health`)).text());
    await until(() => isHealthy().catch(() => false), { limitMs: 30_000 });
    const answer = await fetch(`${client}/v3/cluster/member/list`, { method: 'POST', body: '{}' });
    const { members: found } = (await answer.json()) as { members: { name: string }[] };
    assert.deepEqual(found.map(({ name }) => name).sort(), ['etcd-1', 'etcd-2', 'etcd-3']);
  } finally {
    await Promise.all(started.map(end));
    rmSync(dir, { recursive: true });
  }
});

function end(server: ChildProcess): Promise<unknown> {
  const gone = once(server, 'exit');
  server.kill('SIGKILL');
  return gone;
}

test.run();
