/** Wakes one waiter. A ring while nobody waits is kept for the next wait; many such rings count as one. */

export class Bell {
  #rung = false;
  #waiter: (() => void) | undefined;

  readonly ring = (): void => {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter === undefined) this.#rung = true;
    else waiter();
  };

  wait(): Promise<void> {
    if (this.#rung) {
      this.#rung = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#waiter = resolve;
    });
  }
}
