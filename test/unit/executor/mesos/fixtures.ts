/** Raw offers, launches and statuses, each made fresh. */

import type { TaskLaunch, TaskSpec } from '../../../../src/executor/port.ts';
import type { RawOffer, RawResource } from '../../../../src/executor/mesos/protocol.ts';

export const AGENT = 'master-S0';

export function scalar(name: string, value: number, extra: Partial<RawResource> = {}): RawResource {
  return { name, type: 'SCALAR', scalar: { value }, allocation_info: { role: '*' }, ...extra };
}

export function ports(ranges: readonly (readonly [number, number])[], extra: Partial<RawResource> = {}): RawResource {
  const range = ranges.map(([begin, end]) => ({ begin, end }));
  return { name: 'ports', type: 'RANGES', ranges: { range }, allocation_info: { role: '*' }, ...extra };
}

export function offer(id: string, change: Partial<RawOffer> = {}): RawOffer {
  return {
    id: { value: id },
    framework_id: { value: 'framework-0000' },
    agent_id: { value: AGENT },
    hostname: 'agent.example',
    url: { scheme: 'http', address: { hostname: 'agent.example', ip: '10.0.0.1', port: 5051 }, path: '/slave(1)' },
    resources: [scalar('cpus', 4), scalar('mem', 4096), scalar('disk', 10_000), ports([[31_000, 31_009]])],
    allocation_info: { role: '*' },
    ...change,
  };
}

export function spec(change: Partial<TaskSpec> = {}): TaskSpec {
  return {
    image: 'busybox:1.36',
    command: ['echo', 'hi'],
    env: {},
    cpus: 0.1,
    mem: 32,
    disk: 0,
    gpus: 0,
    network: 'host',
    ports: [],
    volumes: [],
    artifacts: [],
    dockerParameters: [],
    pull: 'missing',
    ...change,
  };
}

export function launch(taskId: string, change: Partial<TaskLaunch> = {}): TaskLaunch {
  return {
    taskId,
    agentId: AGENT,
    address: 'agent.example:5051',
    job: 'etl.load',
    run: 3,
    attempt: 1,
    task: spec(),
    env: {},
    ports: [],
    killGraceMs: 10_000,
    labels: {},
    ...change,
  };
}

export const UUID = 'E3Au4A6XSM2XBZKOHuR7Mg==';

export function executorStatus(taskId: string, state: string, change: object = {}): object {
  return {
    task_id: { value: taskId },
    state,
    source: 'SOURCE_EXECUTOR',
    agent_id: { value: AGENT },
    executor_id: { value: taskId },
    timestamp: 1795339394.934974,
    uuid: UUID,
    ...change,
  };
}

export function masterStatus(taskId: string, state: string, change: object = {}): object {
  return {
    task_id: { value: taskId },
    state,
    source: 'SOURCE_MASTER',
    agent_id: { value: AGENT },
    reason: 'REASON_RECONCILIATION',
    timestamp: 1795339394.9,
    ...change,
  };
}
