/** One at a time, in the order of arrival. */

export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` when all before it are done, however they ended. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
