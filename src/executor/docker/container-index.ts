/**
 * Which container is which task's. Complete after load(): this adapter is the only one that makes containers under its
 * identity, and the daemon's refusal of a name twice covers what a dead predecessor had under way.
 */

import { isTaskId } from '../local/task-host.ts';
import { LABELS } from './container-config.ts';
import { containerName, parseContainerName } from './container-name.ts';
import { namePrefix, ownPrefix } from './container-owner.ts';
import type { Owner } from './container-owner.ts';
import type { ContainerDetails, ContainerSummary, EngineApi } from './engine-api.ts';

export interface Inventory {
  /** Ids of the containers whose tasks' end is not acknowledged, by task. */
  readonly unacknowledged: ReadonlyMap<string, string>;
  /** How many there are in the same namespace that are another installation's. */
  readonly foreign: number;
}

interface Found {
  readonly taskId: string;
  readonly id: string;
  readonly isAcknowledged: boolean;
}

export class ContainerIndex {
  readonly #api: EngineApi;
  readonly #owner: Owner;
  readonly #ids = new Map<string, string>();

  constructor(api: EngineApi, owner: Owner) {
    this.#api = api;
    this.#owner = owner;
  }

  /** Learns all there are. */
  async load(): Promise<Inventory> {
    this.#ids.clear();
    const all = await this.#api.list(`${LABELS.namespace}=${this.#owner.namespace}`);
    const ours = this.#ours(all);
    for (const { taskId, id } of ours) this.#ids.set(taskId, id);
    const unacknowledged = new Map(ours.filter(({ isAcknowledged }) => !isAcknowledged).map(({ taskId, id }) => [taskId, id]));
    const foreign = all.filter(({ Labels }) => ownPrefix(this.#owner, Labels) === undefined).length;
    return { unacknowledged, foreign };
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
    const fresh = containerName({ prefix: namePrefix(this.#owner), taskId, isAcknowledged: false });
    const known = await this.#api.inspect(this.#ids.get(taskId) ?? fresh);
    if (known !== undefined) return this.#isOurs(known, taskId) ? known : undefined;
    this.#ids.delete(taskId);
    const [container] = this.#ours(await this.#api.list(`${LABELS.task}=${taskId}`));
    if (container === undefined) return undefined;
    this.#ids.set(taskId, container.id);
    return this.#api.inspect(container.id);
  }

  #isOurs({ Config: { Labels } }: ContainerDetails, taskId: string): boolean {
    return Labels !== null && ownPrefix(this.#owner, Labels) !== undefined && Labels[LABELS.task] === taskId;
  }

  /** One for each task: should there be two, the one that is no mere beginning. */
  #ours(containers: readonly ContainerSummary[]): readonly Found[] {
    const found = new Map<string, Found>();
    for (const { Id, Names, Labels, State } of containers) {
      const name = parseContainerName(Names[0] ?? '');
      const taskId = Labels[LABELS.task];
      if (name === undefined || taskId !== name.taskId || name.prefix !== ownPrefix(this.#owner, Labels) || !isTaskId(taskId)) continue;
      if (State !== 'created' || !found.has(taskId)) found.set(taskId, { taskId, id: Id, isAcknowledged: name.isAcknowledged });
    }
    return [...found.values()];
  }
}
