/**
 * Work done in the order it was given, at most `width` pieces at a time. With a width of 1 a piece begins only when the one
 * before it is over: that is how calls reach the master in the order they were decided. A piece must not reject.
 */

interface Piece {
  readonly run: () => Promise<void>;
  /** Called instead of `run` when the lane is closed before its turn. */
  readonly drop: () => void;
}

export class Lane {
  readonly #width: number;
  #waiting: Piece[] = [];
  #head = 0;
  #running = 0;
  #isClosed = false;

  constructor(width: number) {
    this.#width = width;
  }

  push(run: () => Promise<void>, drop: () => void = () => {}): void {
    if (this.#isClosed) {
      drop();
      return;
    }
    this.#waiting.push({ run, drop });
    this.#advance();
  }

  /** What has not begun never will. What has begun goes on. */
  close(): void {
    this.#isClosed = true;
    const dropped = this.#waiting.slice(this.#head);
    this.#waiting = [];
    this.#head = 0;
    for (const piece of dropped) piece.drop();
  }

  #advance(): void {
    while (this.#running < this.#width && this.#head < this.#waiting.length) {
      const piece = this.#waiting[this.#head];
      this.#head += 1;
      if (this.#head === this.#waiting.length) {
        this.#waiting = [];
        this.#head = 0;
      }
      if (piece === undefined) continue;
      this.#running += 1;
      void piece.run().finally(() => {
        this.#running -= 1;
        this.#advance();
      });
    }
  }
}
