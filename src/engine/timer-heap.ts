/**
 * The engine's only timers: one instant per key (a job's name or a run's id), in a binary heap that knows where each key is.
 * Exact order, ties by key so that a replay is the same: the shorter first, so that a job's runs come by number, j#2 before j#10.
 * Nothing here reads a clock.
 */

import type { Instant } from '../schedule/schedule.ts';

export class TimerHeap {
  readonly #keys: string[] = [];
  readonly #times: Instant[] = [];
  readonly #places = new Map<string, number>();

  get size(): number {
    return this.#keys.length;
  }

  /** The earliest instant, if there is one. */
  get earliest(): Instant | undefined {
    return this.#times[0];
  }

  /** The key that is earliest. */
  get first(): string | undefined {
    return this.#keys[0];
  }

  /** All keys, earliest first. For looking at, not for deciding: it sorts them. */
  inOrder(): string[] {
    const places = this.#keys.map((_, place) => place);
    places.sort((a, b) => (this.#before(a, b) ? -1 : 1));
    return places.map((place) => this.#keys[place] as string);
  }

  at(key: string): Instant | undefined {
    const place = this.#places.get(key);
    return place === undefined ? undefined : this.#times[place];
  }

  /** Sets the key's instant, or removes the key when `at` is undefined. */
  set(key: string, at: Instant | undefined): void {
    if (at === undefined) return this.delete(key);
    // What is neither before nor after any other instant would hide those below it in the heap.
    if (!Number.isFinite(at)) throw new Error(`the timer of ${key} can't be set to ${at}: it is no instant`);
    const place = this.#places.get(key);
    if (place === undefined) {
      this.#place(this.#keys.length, key, at);
      this.#rise(this.#keys.length - 1);
      return;
    }
    this.#times[place] = at;
    this.#rise(place);
    this.#sink(this.#places.get(key) as number);
  }

  delete(key: string): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    this.#places.delete(key);
    const lastKey = this.#keys.pop() as string;
    const lastTime = this.#times.pop() as Instant;
    if (place === this.#keys.length) return;
    this.#place(place, lastKey, lastTime);
    this.#rise(place);
    this.#sink(this.#places.get(lastKey) as number);
  }

  /** Removes and returns the earliest key if its instant is not after `now`. */
  popDue(now: Instant): string | undefined {
    const { earliest } = this;
    if (earliest === undefined || earliest > now) return undefined;
    const key = this.#keys[0] as string;
    this.delete(key);
    return key;
  }

  #place(place: number, key: string, at: Instant): void {
    this.#keys[place] = key;
    this.#times[place] = at;
    this.#places.set(key, place);
  }

  #before(a: number, b: number): boolean {
    const ta = this.#times[a] as Instant;
    const tb = this.#times[b] as Instant;
    const ka = this.#keys[a] as string;
    const kb = this.#keys[b] as string;
    if (ta !== tb) return ta < tb;
    return ka.length === kb.length ? ka < kb : ka.length < kb.length;
  }

  #swap(a: number, b: number): void {
    const key = this.#keys[a] as string;
    const at = this.#times[a] as Instant;
    this.#place(a, this.#keys[b] as string, this.#times[b] as Instant);
    this.#place(b, key, at);
  }

  #rise(from: number): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#before(place, parent)) return;
      this.#swap(place, parent);
      place = parent;
    }
  }

  #sink(from: number): void {
    let place = from;
    for (;;) {
      const left = 2 * place + 1;
      if (left >= this.#keys.length) return;
      const right = left + 1;
      const child = right < this.#keys.length && this.#before(right, left) ? right : left;
      if (!this.#before(child, place)) return;
      this.#swap(place, child);
      place = child;
    }
  }
}
