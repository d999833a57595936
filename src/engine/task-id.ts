/** A task's id: `<job>.<run>.<attempt>`, fixed before launch. Job names may hold dots, so it is read from the right. */

export interface TaskIdParts {
  readonly job: string;
  readonly run: number;
  readonly attempt: number;
}

const TASK_ID = /^(.+)\.([1-9][0-9]*)\.([1-9][0-9]*)$/;

export function taskId(job: string, run: number, attempt: number): string {
  return `${job}.${run}.${attempt}`;
}

/** undefined: not an id of ours. */
export function parseTaskId(id: string): TaskIdParts | undefined {
  const match = TASK_ID.exec(id);
  if (!match) return undefined;
  return { job: match[1] as string, run: Number(match[2]), attempt: Number(match[3]) };
}

/** `etl.load#123`: how a run is named to people, in flows and in the engine's timers ('#' can't be in a job's name). */
export function runId(job: string, run: number): string {
  return `${job}#${run}`;
}

export function parseRunId(id: string): { readonly job: string; readonly run: number } | undefined {
  const hash = id.lastIndexOf('#');
  if (hash < 1) return undefined;
  return { job: id.slice(0, hash), run: Number(id.slice(hash + 1)) };
}
