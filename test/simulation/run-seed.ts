/** One seed from beginning to end, and what became of it. */

import { Simulation, type SimulationOptions, type SimulationResult } from './simulation.ts';

export type SeedOutcome =
  | { readonly simulation: Simulation; readonly result: SimulationResult; readonly failure?: undefined }
  | { readonly simulation: Simulation; readonly result?: undefined; readonly failure: Error };

/** A promise that nobody waits for may fail too: that counts as the seed's failure. */
export async function runSeed(options: SimulationOptions): Promise<SeedOutcome> {
  const simulation = new Simulation(options);
  const onStray = (error: unknown): void => simulation.time.fail(error);
  process.on('unhandledRejection', onStray);
  try {
    const result = await simulation.run();
    return { simulation, result };
  } catch (error) {
    return { simulation, failure: error instanceof Error ? error : new Error(String(error), { cause: error }) };
  } finally {
    process.off('unhandledRejection', onStray);
  }
}
