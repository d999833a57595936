/** What befalls the store as a whole, or what is large in it: no space, slow writes, snapshots that take long. */

import type { Fate, MemoryFaults, MemoryRequest } from '../../src/store/memory/memory-faults.ts';
import type { Mending } from './mending.ts';
import type { Random } from './random.ts';
import type { Simulation } from './simulation.ts';

/** A whole write, there and back: within its time-out, about as long, or always longer. */
const SLOW_MS = [400, 1_000, 2_000] as const;
const MOST_PAGES = 6;

export class StoreTroubles {
  readonly #simulation: Simulation;
  readonly #mending: Mending;
  /** How long each write takes at least; up to twice as long. 0: as ever. */
  #slowMs = 0;

  constructor(simulation: Simulation, mending: Mending) {
    this.#simulation = simulation;
    this.#mending = mending;
  }

  /** What one node meets, besides the usual. */
  faultsOf(id: string, usual: (request: MemoryRequest) => Fate): MemoryFaults {
    const { random, swarm } = this.#simulation;
    const own = random.fork(`faults/troubles/${id}`);
    const level = swarm.faults.get('slow-snapshots') ?? 0;
    return {
      laterPages: level > 0 ? own.int(1, MOST_PAGES) : 0,
      fate: (request) => {
        const fate = usual(request);
        if (request.kind === 'snapshot' && level > 0) return this.#slowPage(own, level, fate);
        const isWrite = request.kind === 'commit' || request.kind === 'transact';
        return isWrite && this.#slowMs > 0 ? longer(fate, () => (this.#slowMs / 2) * (1 + own.next())) : fate;
      },
    };
  }

  /** Every write is refused until there is space again. */
  fill(random: Random): void {
    const { cluster } = this.#simulation;
    if (cluster.isFull) return;
    this.#simulation.line('faults', 'the store is full');
    cluster.isFull = true;
    this.#mending.after(random.logarithmic(30_000, 1_200_000), () => {
      this.#simulation.line('faults', 'the store has space again');
      cluster.isFull = false;
    });
  }

  slowDown(random: Random): void {
    if (this.#slowMs > 0) return;
    this.#slowMs = random.pick(SLOW_MS);
    this.#simulation.line('faults', `writes take ${this.#slowMs} ms and more`);
    this.#mending.after(random.logarithmic(30_000, 600_000), () => {
      this.#simulation.line('faults', 'writes take no longer than ever');
      this.#slowMs = 0;
    });
  }

  #slowPage(random: Random, level: number, fate: Fate): Fate {
    const { cluster, time, happenings } = this.#simulation;
    const delayMs = random.logarithmic(1, 1_500 * level + 1);
    if (random.chance(0.1 * level))
      time.after(delayMs, () => {
        happenings.note('compacted while a snapshot was read');
        cluster.compact();
      });
    return longer(fate, () => delayMs);
  }
}

function longer(fate: Fate, delayMs: () => number): Fate {
  const more = (ms: number | undefined): number => Math.round((ms ?? 0) + delayMs());
  return { ...fate, requestDelayMs: more(fate.requestDelayMs), answerDelayMs: more(fate.answerDelayMs) };
}
