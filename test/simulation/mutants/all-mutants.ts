/** Every defect that the simulation has to see: see mutant.ts. */

import { COMMAND_MUTANTS } from './command-mutants.ts';
import { ENGINE_MUTANTS } from './engine-mutants.ts';
import type { Mutant } from './mutant.ts';
import { READING_MUTANTS } from './reading-mutants.ts';
import { RUN_MUTANTS } from './run-mutants.ts';
import { TIME_MUTANTS } from './time-mutants.ts';
import { WRITE_PATH_MUTANTS } from './write-path-mutants.ts';

export const ALL_MUTANTS: readonly Mutant[] = [
  ...WRITE_PATH_MUTANTS,
  ...COMMAND_MUTANTS,
  ...ENGINE_MUTANTS,
  ...RUN_MUTANTS,
  ...TIME_MUTANTS,
  ...READING_MUTANTS,
];
