/** Reads the counts that uvu prints at the end of a file. */

export interface UvuReport {
  /** Tests executed; skipped ones are not among them. */
  readonly total: number;
  readonly passed: number;
  readonly skipped: number;
}

const COUNTS = /^ {2}Total: +(\d+)\n {2}Passed: +(\d+)\n {2}Skipped: +(\d+)\n {2}Duration: /m;

/** The last report in `output`, or undefined when it ended before uvu got to print one. `output` is without colours. */
export function readUvuReport(output: string): UvuReport | undefined {
  const start = output.lastIndexOf('\n  Total: ');
  const found = start < 0 ? null : COUNTS.exec(output.slice(start));
  if (found === null) return undefined;
  return { total: Number(found[1]), passed: Number(found[2]), skipped: Number(found[3]) };
}
