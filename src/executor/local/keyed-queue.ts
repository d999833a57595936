/**
 * Work on the same key runs in the order it was given, one piece at a time; different keys run side by side.
 * So a task's launch, kill and removal never overtake each other.
 */

export class KeyedQueue {
  readonly #tails = new Map<string, Promise<void>>();
  readonly #failed: (error: unknown, key: string) => void;

  /** `failed` gets what a piece of work threw; the work behind it goes on. */
  constructor(failed: (error: unknown, key: string) => void) {
    this.#failed = failed;
  }

  /** Resolves when the work is done, also when it failed. */
  add(key: string, work: () => Promise<void>): Promise<void> {
    const tail = (this.#tails.get(key) ?? Promise.resolve()).then(work).catch((error: unknown) => this.#failed(error, key));
    this.#tails.set(key, tail);
    return tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all(this.#tails.values());
  }
}
