/** Makes a directory's entries durable, many callers with one fsync: who comes while one is under way shares the next. */

import { open } from 'node:fs/promises';

export class GroupSync {
  readonly #directory: string;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Resolves when all that was in the directory at the time of the call is on disk. */
  sync(): Promise<void> {
    if (this.#running === undefined) return this.#start();
    // The one under way may have missed what the caller has just made.
    this.#next ??= this.#running.then(
      () => this.#start(),
      () => this.#start(),
    );
    return this.#next;
  }

  #start(): Promise<void> {
    this.#next = undefined;
    const running = syncPath(this.#directory).finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }
}

export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
