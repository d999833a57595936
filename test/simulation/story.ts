/** The lines of a trace that have to do with a violation, short enough to be read. */

import { InvariantViolation } from '../invariants/violation.ts';

const SHOWN = 60;
const WIDTH = 260;

export function story(lines: readonly string[], failure: Error): string {
  const jobs = failure instanceof InvariantViolation ? failure.jobs.filter((job) => job !== '') : [];
  const matters = (line: string): boolean => {
    if (/ faults | leads in term| no longer leads|master is back|unreachable| starts$| stops$| dies$/.test(line)) return true;
    return jobs.length === 0 || jobs.some((job) => names(line, job));
  };
  const kept = lines.filter(matters).slice(-SHOWN);
  return kept.map((line) => (line.length > WIDTH ? `${line.slice(0, WIDTH)}…` : line)).join('\n');
}

/** Whether a line is about the job, and not about one whose name only begins so. */
function names(line: string, job: string): boolean {
  for (let at = line.indexOf(job); at >= 0; at = line.indexOf(job, at + 1)) {
    const next = line[at + job.length] ?? ' ';
    if (!/[A-Za-z0-9_-]/.test(next)) return true;
  }
  return false;
}
