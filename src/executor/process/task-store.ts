/**
 * Where the directories of all tasks are, and how they move. Each identity (local/identity.ts) has a place of its own, `<dataDir>/<identity>`,
 * as another's tasks have the same ids; one that also has what was there before identities were has `<dataDir>` itself. In it:
 *
 *     tasks/<id>      launched; its end is not acknowledged yet
 *     ended/<id>      acknowledged: kept for its logs only, so that a start looks at what matters and not at history
 *     forgotten/<id>  on its way out
 *
 * Each step is one mkdir or rename, so a crash leaves a task in exactly one place.
 */

import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { isIdentityId } from '../local/identity.ts';
import type { Identity } from '../local/identity.ts';
import { GroupSync } from './group-sync.ts';
import { isCode } from './task-records.ts';

const PLACES = ['tasks', 'ended', 'forgotten'] as const;
type Place = (typeof PLACES)[number];

export function placeOf(dataDir: string, { id, hasUnlabelled }: Identity): string {
  return hasUnlabelled ? dataDir : join(dataDir, id);
}

/** Where there are tasks of others, for people. */
export async function foreignPlaces(dataDir: string, identity: Identity): Promise<readonly string[]> {
  const names: readonly string[] = await readdir(dataDir).catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return [];
    throw error;
  });
  const others = names.filter((name) => isIdentityId(name) && name !== identity.id);
  return !identity.hasUnlabelled && names.includes('tasks') ? [...others, '.'] : others;
}

export interface TaskPlace {
  readonly directory: string;
  readonly isAcknowledged: boolean;
}

export class TaskStore {
  readonly #root: string;
  readonly #sync: GroupSync;

  constructor(root: string) {
    this.#root = resolve(root);
    this.#sync = new GroupSync(join(this.#root, 'tasks'));
  }

  /** Makes the places, and finishes what a crash left half removed. */
  async open(): Promise<void> {
    // Traversable by others: a task's own user must reach its sandbox. What is private is so by its own mode.
    for (const place of PLACES) await mkdir(join(this.#root, place), { recursive: true, mode: 0o711 });
    for (const id of await readdir(join(this.#root, 'forgotten'))) await this.#remove(id);
  }

  /** Tasks whose end is not acknowledged. */
  unacknowledged(): Promise<string[]> {
    return readdir(join(this.#root, 'tasks'));
  }

  /** Where a task's directory is until its end is acknowledged. */
  pathOf(taskId: string): string {
    return this.#path('tasks', taskId);
  }

  /** The new task's directory, which nobody else has; `undefined` when this task was launched before. */
  async create(taskId: string): Promise<string | undefined> {
    if (existsSync(this.#path('ended', taskId))) return undefined;
    const directory = this.#path('tasks', taskId);
    try {
      await mkdir(directory, { mode: 0o711 });
    } catch (error) {
      if (isCode(error, 'EEXIST')) return undefined;
      throw error;
    }
    try {
      await mkdir(join(directory, 'sandbox'), { mode: 0o700 });
    } catch (error) {
      await rmdir(directory);
      throw error;
    }
    return directory;
  }

  /** After this a launch is remembered, whatever happens to the machine. */
  makeDurable(): Promise<void> {
    return this.#sync.sync();
  }

  /** Takes back a create(), when it is certain that nothing was started in it. */
  async discard(taskId: string): Promise<void> {
    await rm(this.#path('tasks', taskId), { recursive: true, force: true });
  }

  find(taskId: string): TaskPlace | undefined {
    const fresh = this.#path('tasks', taskId);
    if (existsSync(fresh)) return { directory: fresh, isAcknowledged: false };
    const ended = this.#path('ended', taskId);
    return existsSync(ended) ? { directory: ended, isAcknowledged: true } : undefined;
  }

  async acknowledge(taskId: string): Promise<void> {
    await move(this.#path('tasks', taskId), this.#path('ended', taskId));
  }

  async forget(taskId: string): Promise<void> {
    const forgotten = this.#path('forgotten', taskId);
    await move(this.#path('tasks', taskId), forgotten);
    await move(this.#path('ended', taskId), forgotten);
    await this.#remove(taskId);
  }

  async #remove(taskId: string): Promise<void> {
    await rm(this.#path('forgotten', taskId), { recursive: true, force: true });
  }

  #path(place: Place, taskId: string): string {
    return join(this.#root, place, taskId);
  }
}

/** Nothing to move is fine: it was moved before. */
async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error;
  }
}
