/** What happened, line by line: hashed as a whole, so that two traces can be compared, and the last lines kept for the story of a failure. */

import { createHash } from 'node:crypto';

/** Lines kept for the story. */
const KEPT = 20_000;

export class Trace {
  readonly #hash = createHash('sha256');
  readonly #start: number;
  readonly #echo: ((line: string) => void) | undefined;
  #lines: string[] = [];
  #count = 0;

  constructor(start: number, echo?: (line: string) => void) {
    this.#start = start;
    this.#echo = echo;
  }

  line(at: number, who: string, what: string): void {
    const line = `${clockFace(at - this.#start)} ${who} ${what}`;
    this.#count += 1;
    this.#hash.update(line);
    this.#hash.update('\n');
    this.#echo?.(line);
    this.#lines.push(line);
    if (this.#lines.length >= 2 * KEPT) this.#lines = this.#lines.slice(-KEPT);
  }

  get count(): number {
    return this.#count;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Of all lines so far. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}

/** `2d 03:04:05.678`: since the simulation's start. */
export function clockFace(ms: number): string {
  const sign = ms < 0 ? '-' : '';
  const all = Math.abs(Math.round(ms));
  const two = (value: number): string => String(value).padStart(2, '0');
  const days = Math.floor(all / 86_400_000);
  const rest = all % 86_400_000;
  const face = `${two(Math.floor(rest / 3_600_000))}:${two(Math.floor(rest / 60_000) % 60)}:${two(Math.floor(rest / 1000) % 60)}`;
  return `${sign}${days}d ${face}.${String(rest % 1000).padStart(3, '0')}`;
}
