/**
 * The stand-in as a program, to try a framework against:
 *
 *   node --import tsx test/mesos-master/main.ts --port 5050 --docker unix:///var/run/docker.sock --agents 2
 *
 * With `--zookeeper 127.0.0.1:2181/mesos` the masters are shown there, to be found by `zk://127.0.0.1:2181/mesos`.
 * Without `--docker`, Docker tasks have scripted outcomes; command tasks are processes of this machine.
 */

import { parseArgs } from 'node:util';
import { systemClock } from '../../src/clock/system-clock.ts';
import { StandInMaster } from './master.ts';
import { DockerRunner } from './runner/docker.ts';
import { ProcessRunner } from './runner/process.ts';
import { byKind } from './runner/runner.ts';
import { ScriptedRunner } from './runner/scripted.ts';
import { ZookeeperElection } from './zookeeper-election.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '5050' },
    docker: { type: 'string' },
    agents: { type: 'string', default: '1' },
    masters: { type: 'string', default: '1' },
    cpus: { type: 'string', default: '4' },
    mem: { type: 'string', default: '4096' },
    'launches-per-second': { type: 'string' },
    zookeeper: { type: 'string' },
  },
});

const docker = values.docker === undefined ? new ScriptedRunner(systemClock) : new DockerRunner(values.docker, systemClock);
const [zookeeper, ...path] = values.zookeeper?.split('/') ?? [];
const election = zookeeper === undefined ? undefined : await ZookeeperElection.connect(zookeeper, `/${path.join('/')}`);
const rate = values['launches-per-second'];
const master = await StandInMaster.start({
  port: Number(values.port),
  masters: Number(values.masters),
  ...(election === undefined ? {} : { election }),
  runner: byKind({ docker, command: new ProcessRunner(systemClock) }),
  agents: Array.from({ length: Number(values.agents) }, () => ({
    resources: { cpus: Number(values.cpus), mem: Number(values.mem), disk: 10_000, ports: [[31_000, 32_000]] },
    ...(rate === undefined ? {} : { launchesPerSecond: Number(rate) }),
  })),
});

process.stdout.write(`masters: ${master.addresses.join(', ')}\n`);
for (const agent of master.agents) process.stdout.write(`${agent.name}: ${agent.id} at ${agent.url}\n`);

let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    void master
      .stop()
      .then(() => election?.close())
      .then(() => process.exit(0));
  });
}
