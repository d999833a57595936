/** The part of Mesos's v1 scheduler API that the stand-in understands, as protobuf would check it. */

import { message, optional, repeated, required } from './schema.ts';

const id = message({ value: required('string') });
const duration = message({ nanoseconds: required('integer') });
const labels = message({ labels: repeated(message({ key: required('string'), value: optional('string') })) });
const parameter = message({ key: required('string'), value: required('string') });
const environment = message({
  variables: repeated(message({ name: required('string'), type: optional(['VALUE', 'SECRET']), value: optional('string') })),
});
const range = message({ begin: required('integer'), end: required('integer') });

const reservation = message({
  type: optional(['STATIC', 'DYNAMIC']),
  role: optional('string'),
  principal: optional('string'),
  labels: optional(labels),
});

export const resourceSchema = message({
  name: required('string'),
  type: required(['SCALAR', 'RANGES', 'SET']),
  scalar: optional(message({ value: required('double') })),
  ranges: optional(message({ range: repeated(range) })),
  set: optional(message({ item: repeated('string') })),
  role: optional('string'),
  allocation_info: optional(message({ role: optional('string') })),
  reservation: optional(reservation),
  reservations: repeated(reservation),
});

const command = message({
  uris: repeated(
    message({
      value: required('string'),
      executable: optional('bool'),
      extract: optional('bool'),
      cache: optional('bool'),
      output_file: optional('string'),
    }),
  ),
  environment: optional(environment),
  shell: optional('bool'),
  value: optional('string'),
  arguments: repeated('string'),
  user: optional('string'),
});

const secret = message({
  type: optional(['REFERENCE', 'VALUE']),
  reference: optional(message({ name: required('string'), key: optional('string') })),
  value: optional(message({ data: required('bytes') })),
});

const image = message({
  type: optional(['APPC', 'DOCKER']),
  docker: optional(message({ name: required('string'), config: optional(secret) })),
  cached: optional('bool'),
});

const volumeSource = message({
  type: optional(['DOCKER_VOLUME', 'HOST_PATH', 'SANDBOX_PATH', 'SECRET', 'CSI_VOLUME']),
  docker_volume: optional(
    message({
      name: required('string'),
      driver: optional('string'),
      driver_options: optional(message({ parameter: repeated(parameter) })),
    }),
  ),
  host_path: optional(message({ path: required('string') })),
  sandbox_path: optional(message({ type: optional(['SELF', 'PARENT']), path: required('string') })),
});

const portMapping = message({ host_port: required('integer'), container_port: required('integer'), protocol: optional('string') });

const linuxInfo = message({
  share_pid_namespace: optional('bool'),
  ipc_mode: optional(['PRIVATE', 'SHARE_PARENT']),
  shm_size: optional('integer'),
  share_cgroups: optional('bool'),
});

const container = message({
  type: required(['DOCKER', 'MESOS']),
  volumes: repeated(
    message({
      container_path: required('string'),
      host_path: optional('string'),
      mode: required(['RW', 'RO']),
      image: optional(image),
      source: optional(volumeSource),
    }),
  ),
  hostname: optional('string'),
  docker: optional(
    message({
      image: required('string'),
      network: optional(['HOST', 'BRIDGE', 'NONE', 'USER']),
      port_mappings: repeated(portMapping),
      privileged: optional('bool'),
      parameters: repeated(parameter),
      force_pull_image: optional('bool'),
    }),
  ),
  mesos: optional(message({ image: optional(image) })),
  network_infos: repeated(message({ name: optional('string'), labels: optional(labels), port_mappings: repeated(portMapping) })),
  linux_info: optional(linuxInfo),
});

const killPolicy = message({ grace_period: optional(duration) });

const taskInfo = message({
  name: required('string'),
  task_id: required(id),
  agent_id: required(id),
  resources: repeated(resourceSchema),
  executor: optional(message({ executor_id: required(id), command: optional(command) })),
  command: optional(command),
  container: optional(container),
  kill_policy: optional(killPolicy),
  max_completion_time: optional(duration),
  limits: optional({ mapOf: message({ value: required('double') }) }),
  data: optional('bytes'),
  labels: optional(labels),
  discovery: optional(
    message({
      visibility: required(['FRAMEWORK', 'CLUSTER', 'EXTERNAL']),
      name: optional('string'),
      ports: optional(
        message({ ports: repeated(message({ number: required('integer'), name: optional('string'), protocol: optional('string') })) }),
      ),
    }),
  ),
});

const frameworkInfo = message({
  user: required('string'),
  name: required('string'),
  id: optional(id),
  failover_timeout: optional('double'),
  checkpoint: optional('bool'),
  role: optional('string'),
  roles: repeated('string'),
  hostname: optional('string'),
  principal: optional('string'),
  webui_url: optional('string'),
  capabilities: repeated(message({ type: optional(capabilityNames()) })),
  labels: optional(labels),
});

function capabilityNames(): readonly string[] {
  return [
    'REVOCABLE_RESOURCES',
    'TASK_KILLING_STATE',
    'GPU_RESOURCES',
    'SHARED_RESOURCES',
    'PARTITION_AWARE',
    'MULTI_ROLE',
    'RESERVATION_REFINEMENT',
    'REGION_AWARE',
  ];
}

const textValue = message({ value: optional('string') });
const textMatch = message({ regex: optional('string') });
const constraint = message({
  selector: optional(message({ attribute_name: optional('string'), pseudoattribute_type: optional(['HOSTNAME', 'REGION', 'ZONE']) })),
  predicate: optional(
    message({
      exists: optional(message({})),
      not_exists: optional(message({})),
      text_equals: optional(textValue),
      text_not_equals: optional(textValue),
      text_matches: optional(textMatch),
      text_not_matches: optional(textMatch),
    }),
  ),
});
const offerConstraints = message({
  role_constraints: optional({ mapOf: message({ groups: repeated(message({ attribute_constraints: repeated(constraint) })) }) }),
});

const filters = message({ refuse_seconds: optional('double') });
const launch = message({ task_infos: repeated(taskInfo) });
const operation = message({
  type: optional(['LAUNCH', 'LAUNCH_GROUP', 'RESERVE', 'UNRESERVE', 'CREATE', 'DESTROY']),
  launch: optional(launch),
});

export const CALL_TYPES = [
  'SUBSCRIBE',
  'TEARDOWN',
  'ACCEPT',
  'DECLINE',
  'ACCEPT_INVERSE_OFFERS',
  'DECLINE_INVERSE_OFFERS',
  'REVIVE',
  'KILL',
  'SHUTDOWN',
  'ACKNOWLEDGE',
  'ACKNOWLEDGE_OPERATION_STATUS',
  'RECONCILE',
  'RECONCILE_OPERATIONS',
  'MESSAGE',
  'REQUEST',
  'SUPPRESS',
  'UPDATE_FRAMEWORK',
] as const;

export const callSchema = message({
  type: optional(CALL_TYPES),
  framework_id: optional(id),
  subscribe: optional(
    message({
      framework_info: required(frameworkInfo),
      force: optional('bool'),
      suppressed_roles: repeated('string'),
      offer_constraints: optional(offerConstraints),
    }),
  ),
  accept: optional(message({ offer_ids: repeated(id), operations: repeated(operation), filters: optional(filters) })),
  decline: optional(message({ offer_ids: repeated(id), filters: optional(filters) })),
  accept_inverse_offers: optional(message({ inverse_offer_ids: repeated(id), filters: optional(filters) })),
  decline_inverse_offers: optional(message({ inverse_offer_ids: repeated(id), filters: optional(filters) })),
  revive: optional(message({ role: optional('string'), roles: repeated('string') })),
  suppress: optional(message({ role: optional('string'), roles: repeated('string') })),
  kill: optional(message({ task_id: required(id), agent_id: optional(id), kill_policy: optional(killPolicy) })),
  acknowledge: optional(message({ agent_id: required(id), task_id: required(id), uuid: required('bytes') })),
  reconcile: optional(message({ tasks: repeated(message({ task_id: required(id), agent_id: optional(id) })) })),
  shutdown: optional(message({ executor_id: required(id), agent_id: required(id) })),
  message: optional(message({ agent_id: required(id), executor_id: required(id), data: required('bytes') })),
  update_framework: optional(
    message({
      framework_info: required(frameworkInfo),
      suppressed_roles: repeated('string'),
      offer_constraints: optional(offerConstraints),
    }),
  ),
});
