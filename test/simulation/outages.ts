/** Outages that last hours: nobody decides, launches or hears anything for so long. In few seeds, as they hide all else. */

import type { Mending } from './mending.ts';
import type { Random } from './random.ts';
import type { Simulation } from './simulation.ts';

const SHORTEST_MS = 1_200_000;
const HOUR_MS = 3_600_000;
const KINDS = ['the store', 'all nodes', 'the master', 'all agents'] as const;

export class Outages {
  readonly #simulation: Simulation;
  readonly #mending: Mending;
  /** Until when nothing reaches the store, and no node starts. */
  #storeUntil = 0;
  #nodesUntil = 0;

  constructor(simulation: Simulation, mending: Mending) {
    this.#simulation = simulation;
    this.#mending = mending;
  }

  /** Whether the store is out of reach for all. */
  get isStoreGone(): boolean {
    return this.#storeUntil > this.#simulation.time.now;
  }

  /** Whether no node can start. */
  get areNodesGone(): boolean {
    return this.#nodesUntil > this.#simulation.time.now;
  }

  strike(random: Random): void {
    const { time, happenings, options } = this.#simulation;
    const kind = random.pick(KINDS);
    const lastsMs = Math.round(random.logarithmic(SHORTEST_MS, Math.max(2 * SHORTEST_MS, options.hours * 0.6 * HOUR_MS)));
    if (this.isStoreGone || this.areNodesGone) return;
    this.#simulation.line('faults', `${kind}: gone for ${Math.round(lastsMs / 60_000)} minutes`);
    happenings.note(`outage of ${kind}`);
    if (kind === 'the store') this.#loseStore(time.now + lastsMs);
    else if (kind === 'all nodes') this.#loseNodes(time.now + lastsMs);
    else if (kind === 'the master') this.#loseMaster(lastsMs);
    else this.#loseAgents(lastsMs);
  }

  #loseStore(until: number): void {
    const { time } = this.#simulation;
    this.#storeUntil = until;
    for (const node of this.#simulation.living) node.connection.partition();
    this.#mending.after(until - time.now, () => {
      this.#storeUntil = 0;
      for (const node of this.#simulation.living) node.connection.heal();
    });
  }

  #loseNodes(until: number): void {
    const { time } = this.#simulation;
    this.#nodesUntil = until;
    for (const node of this.#simulation.living) node.crash();
    this.#mending.after(until - time.now, () => {
      this.#nodesUntil = 0;
      for (const node of this.#simulation.nodes) if (node.isDead) this.#simulation.startNode(node.id);
    });
  }

  #loseMaster(lastsMs: number): void {
    const { master, lives } = this.#simulation;
    if (!master.isUp) return;
    lives.doubt(master.agents);
    master.die();
    this.#mending.after(lastsMs, () => master.comeBack(() => 1_000));
  }

  #loseAgents(lastsMs: number): void {
    const { master, lives } = this.#simulation;
    for (const agent of master.agents.filter(({ isUp }) => isUp)) {
      lives.doubt([agent]);
      master.stopAgent(agent);
      this.#mending.after(lastsMs, () => {
        lives.doubt([agent]);
        master.startAgent(agent);
      });
    }
  }
}
