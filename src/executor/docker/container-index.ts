/**
 * Which container is which task's. Complete after load(): this adapter is the only one that makes containers in its
 * namespace, and the daemon's refusal of a name twice covers what a dead predecessor had under way.
 */

import { isTaskId } from '../local/task-host.ts';
import { LABELS } from './container-config.ts';
import { containerName, parseContainerName } from './container-name.ts';
import type { ContainerDetails, ContainerSummary, EngineApi } from './engine-api.ts';

export class ContainerIndex {
  readonly #api: EngineApi;
  readonly #namespace: string;
  readonly #ids = new Map<string, string>();

  constructor(api: EngineApi, namespace: string) {
    this.#api = api;
    this.#namespace = namespace;
  }

  /** Learns all there are; returns the ids of those whose end is not acknowledged. */
  async load(): Promise<readonly string[]> {
    this.#ids.clear();
    const containers = this.#ours(await this.#api.list(`${LABELS.namespace}=${this.#namespace}`));
    for (const { taskId, id } of containers) this.#ids.set(taskId, id);
    return containers.filter(({ isAcknowledged }) => !isAcknowledged).map(({ id }) => id);
  }

  has(taskId: string): boolean {
    return this.#ids.has(taskId);
  }

  add(taskId: string, id: string): void {
    this.#ids.set(taskId, id);
  }

  delete(taskId: string): void {
    this.#ids.delete(taskId);
  }

  /** Also without load(): by the name given at the launch, then by its label. */
  async find(taskId: string): Promise<ContainerDetails | undefined> {
    const fresh = containerName({ namespace: this.#namespace, taskId, isAcknowledged: false });
    const known = await this.#api.inspect(this.#ids.get(taskId) ?? fresh);
    if (known !== undefined) return this.#isOurs(known, taskId) ? known : undefined;
    this.#ids.delete(taskId);
    const [container] = this.#ours(await this.#api.list(`${LABELS.task}=${taskId}`));
    if (container === undefined) return undefined;
    this.#ids.set(taskId, container.id);
    return this.#api.inspect(container.id);
  }

  #isOurs({ Config: { Labels } }: ContainerDetails, taskId: string): boolean {
    return Labels?.[LABELS.namespace] === this.#namespace && Labels[LABELS.task] === taskId;
  }

  /** One for each task: should there be two, the one that is no mere beginning. */
  #ours(containers: readonly ContainerSummary[]): readonly { taskId: string; id: string; isAcknowledged: boolean }[] {
    const found = new Map<string, { taskId: string; id: string; isAcknowledged: boolean }>();
    for (const { Id, Names, Labels, State } of containers) {
      const name = parseContainerName(Names[0] ?? '');
      const taskId = Labels[LABELS.task];
      if (name === undefined || taskId !== name.taskId || name.namespace !== this.#namespace || !isTaskId(taskId)) continue;
      if (State !== 'created' || !found.has(taskId)) found.set(taskId, { taskId, id: Id, isAcknowledged: name.isAcknowledged });
    }
    return [...found.values()];
  }
}
