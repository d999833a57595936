/**
 * The person who mends what Kairos leaves to people: a framework that Mesos has removed. As docs/mesos.md says: all nodes are stopped,
 * its identity is forgotten with the real command, the nodes are started.
 */

import { forgetFramework } from '../../src/node/forget-framework.ts';
import { InvariantViolation } from '../invariants/violation.ts';
import { SHUTDOWN_GRACE_MS } from './mesos-agent.ts';
import { NodeClock } from './node-clock.ts';
import type { Random } from './random.ts';
import type { Simulation } from './simulation.ts';

/** How `forgetFramework` calls itself when it campaigns. */
export const OPERATOR = 'kairos framework forget';
const STOPPED_WITHIN_MS = 60_000;

export class Operator {
  readonly #simulation: Simulation;
  readonly #random: Random;
  readonly #clock: NodeClock;
  #isAtIt = false;
  #isHurried = false;
  #connections = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
    this.#random = simulation.random.fork('operator');
    this.#clock = new NodeClock(simulation.time, this.#random.fork('clock'), { offsetMs: 0, driftPpm: 0 });
  }

  /** The master removes the framework; someone notices, and mends it. */
  removeFramework(): void {
    const { master, lives } = this.#simulation;
    if (this.#isAtIt || !master.isUp || master.isFrameworkRemoved) return;
    this.#say('the framework is removed');
    // Those on agents out of reach go on.
    lives.disown(master.agents.filter(({ isUp, isRegistered }) => !isUp || !isRegistered));
    master.removeFramework();
    this.#isAtIt = true;
    this.#simulation.perform(() => this.#mend());
  }

  /** Until all is mended; he is quicker from now on. */
  async finish(): Promise<void> {
    this.#isHurried = true;
    const { time } = this.#simulation;
    for (let minutes = 0; this.#isAtIt && minutes < 60; minutes++) await time.run(time.now + 60_000);
    if (this.#isAtIt) throw new InvariantViolation('liveness', 'the framework is removed for ever');
  }

  async #mend(): Promise<void> {
    const { master } = this.#simulation;
    // Not long: until then there is a new leader every second, each of which reads all that is stored.
    const noticedAfterMs = this.#random.logarithmic(2 * SHUTDOWN_GRACE_MS, 180_000);
    await this.#clock.sleep(this.#isHurried ? 2 * SHUTDOWN_GRACE_MS : noticedAfterMs);
    while (master.isFrameworkRemoved) {
      await this.#stopAll();
      // Another master may have come meanwhile, which has forgotten that it removed it.
      if (master.isFrameworkRemoved) this.#say(`forgets the framework: ${await this.#forget()}`);
      this.#startAll();
      await this.#clock.sleep(this.#random.int(30_000, 120_000));
    }
    this.#isAtIt = false;
  }

  async #stopAll(): Promise<void> {
    const stopping = this.#simulation.nodes.filter((node) => node.isServing).map((node) => node.stop());
    await Promise.race([Promise.all(stopping), this.#clock.sleep(STOPPED_WITHIN_MS)]);
  }

  /** One that dies, or that he gives up on, is dead. */
  #startAll(): void {
    if (this.#simulation.faults.outages.areNodesGone) return;
    for (const node of this.#simulation.nodes) if (node.isDead) this.#simulation.startNode(node.id);
  }

  async #forget(): Promise<string> {
    const { cluster, lives, master } = this.#simulation;
    const clock = this.#clock;
    this.#connections += 1;
    const store = cluster.connect({ name: `operator-${this.#connections}`, clock });
    try {
      lives.disown(master.agents.filter(({ isUp, isRegistered }) => !isUp || !isRegistered));
      return (await forgetFramework({ store, clock, isConfirmed: true, isForced: true })).outcome;
    } catch (error) {
      return String(error);
    } finally {
      await store.close();
    }
  }

  #say(what: string): void {
    this.#simulation.line('operator', what);
  }
}
