/** The Docker executor keeps the contract of all local executors, with a real Docker Engine. */

import { systemClock } from '../../../src/clock/system-clock.ts';
import { DockerExecutor } from '../../../src/executor/docker/docker-executor.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { executorContract } from '../../contract/executor.ts';
import type { ExecutorMachine } from '../../contract/executor.ts';
import { BUSYBOX_IMAGE, engine, importBusybox, startDockerd } from '../../support/dockerd.ts';
import type { Dockerd } from '../../support/dockerd.ts';

let daemon: Dockerd | undefined;
let machines = 0;

/** One daemon for all; a namespace of its own for each machine. */
async function makeMachine(): Promise<ExecutorMachine> {
  if (daemon === undefined) {
    daemon = await startDockerd();
    await importBusybox(daemon.socket);
  }
  const { socket } = daemon;
  machines += 1;
  const namespace = `test${machines}`;
  return {
    task: { image: BUSYBOX_IMAGE },
    create: (resources) =>
      new DockerExecutor({ socketPath: socket, namespace, clock: systemClock, logger: silentLogger, hostname: 'here', resources }),
    remove: () => removeContainers(socket, namespace),
  };
}

async function removeContainers(socket: string, namespace: string): Promise<void> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`kairos.namespace=${namespace}`] }));
  const { text } = await engine(socket, { path: `/containers/json?all=1&filters=${filters}` });
  for (const { Id } of JSON.parse(text) as { Id: string }[]) await engine(socket, { method: 'DELETE', path: `/containers/${Id}?force=1` });
}

executorContract('docker', makeMachine, async () => daemon?.stop());
