/** The making of one task's container, image included. Nothing runs yet when it is made. */

import type { TaskLaunch, TaskStatus } from '../port.ts';
import { containerConfig } from './container-config.ts';
import { containerName } from './container-name.ts';
import { namePrefix } from './container-owner.ts';
import type { Owner } from './container-owner.ts';
import { EngineError } from './engine-api.ts';
import type { EngineApi } from './engine-api.ts';
import type { ImagePull, WantedImage } from './image-pull.ts';
import { registryAuth } from './registry-auth.ts';

export interface ContainerLaunch {
  readonly api: EngineApi;
  readonly pull: ImagePull;
  readonly owner: Owner;
  readonly launch: TaskLaunch;
  /** Ends what has not come to a container yet. */
  readonly signal: AbortSignal;
  /** Ends a pull, for all tasks that wait for it. */
  readonly connectionEnded: AbortSignal;
  /** Called when it may take long, as the image comes from a registry. */
  readonly pulling: () => void;
}

export type ContainerMade =
  | { readonly type: 'made'; readonly id: string }
  /** A container has the task's name already. */
  | { readonly type: 'exists' }
  /** There is no container, and this is why. */
  | { readonly type: 'none'; readonly status: TaskStatus };

type Refusal = Extract<ContainerMade, { type: 'none' }>;

export async function makeContainer(how: ContainerLaunch): Promise<ContainerMade> {
  const { task, taskId } = how.launch;
  if (task.image === undefined) return rejected(taskId, 'image-required', 'a container needs an image');
  if (task.artifacts.length > 0) return rejected(taskId, 'artifacts-unsupported', 'artifacts are fetched by Mesos only');
  const body = configOf(how);
  if (body instanceof RangeError) return rejected(taskId, 'invalid-parameters', body.message);
  if (task.pull === 'always') {
    const failure = await getImage(how, task.image);
    if (failure !== undefined) return failure;
  }
  const made = await create(how, body);
  if (made !== 'image-missing') return made;
  if (task.pull !== 'missing') return rejected(taskId, 'image-missing', `image ${task.image} is not on this machine (pull: ${task.pull})`);
  const failure = await getImage(how, task.image);
  if (failure !== undefined) return failure;
  const again = await create(how, body);
  return again === 'image-missing' ? rejected(taskId, 'image-missing', `image ${task.image} is gone again after it was pulled`) : again;
}

function configOf({ launch, owner }: ContainerLaunch): RangeError | Record<string, unknown> {
  try {
    return containerConfig(launch, owner);
  } catch (error) {
    if (error instanceof RangeError) return error;
    throw error;
  }
}

async function create(
  { api, owner, launch, signal }: ContainerLaunch,
  body: Record<string, unknown>,
): Promise<ContainerMade | 'image-missing'> {
  const { taskId } = launch;
  if (signal.aborted) return killed(taskId);
  try {
    return { type: 'made', id: await api.create(containerName({ prefix: namePrefix(owner), taskId, isAcknowledged: false }), body) };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    // The engine says 404 of a volume's driver too, and no pull would bring that.
    if (error.status === 404 && /\bplugin\b/.test(error.message)) return rejected(taskId, 'volume-driver-missing', error.message);
    if (error.status === 404) return 'image-missing';
    if (error.status === 409) return { type: 'exists' };
    if (error.status === 400) return rejected(taskId, 'invalid-parameters', error.message);
    return { type: 'none', status: { taskId, state: 'not-launched', reason: 'create-failed', message: error.message } };
  }
}

/** `undefined` when the image is there. */
async function getImage({ pull, launch, signal, connectionEnded, pulling }: ContainerLaunch, image: string): Promise<Refusal | undefined> {
  const { taskId } = launch;
  if (signal.aborted) return killed(taskId);
  pulling();
  const aborted = new Promise<'aborted'>((resolve) => signal.addEventListener('abort', () => resolve('aborted'), { once: true }));
  const wanted = wantedImage(launch, image);
  if (wanted instanceof RangeError) return rejected(taskId, 'registry-credentials', wanted.message);
  const result = await Promise.race([pull.pull(wanted, connectionEnded), aborted]);
  if (result === 'aborted') return killed(taskId);
  if (result.type === 'pulled') return undefined;
  if (result.type === 'missing') return rejected(taskId, 'image-missing', result.message);
  return { type: 'none', status: { taskId, state: 'not-launched', reason: 'image-pull-failed', message: result.message } };
}

function wantedImage({ registryConfig }: TaskLaunch, name: string): RangeError | WantedImage {
  if (registryConfig === undefined) return { name };
  try {
    return { name, auth: registryAuth(registryConfig, name) };
  } catch (error) {
    if (error instanceof RangeError) return error;
    throw error;
  }
}

function rejected(taskId: string, reason: string, message: string): Refusal {
  return { type: 'none', status: { taskId, state: 'rejected', reason, message } };
}

function killed(taskId: string): Refusal {
  return { type: 'none', status: { taskId, state: 'killed', message: 'killed before it began' } };
}
