/** A history that must not be. */

export class InvariantViolation extends Error {
  /** Its name in the list of invariants.ts. */
  readonly invariant: string;
  /** Jobs it is about, to find their lines in a trace. */
  readonly jobs: readonly string[];

  constructor(invariant: string, message: string, jobs: readonly string[] = []) {
    super(`${invariant}: ${message}`);
    this.name = 'InvariantViolation';
    this.invariant = invariant;
    this.jobs = jobs;
  }
}
