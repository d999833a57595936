/** What Mesos accepts as a task id: checked here, because there it costs the offer and comes back as TASK_ERROR. */

const MAX_BYTES = 255;
const FORBIDDEN = /[/\\\u0000-\u001f\u007f]/;

/** What is wrong with it, in words; `undefined`: nothing. */
export function taskIdProblem(id: string): string | undefined {
  if (id === '') return 'a task id must not be empty';
  if (id === '.' || id === '..') return `'${id}' can't be a task id`;
  if (Buffer.byteLength(id, 'utf8') > MAX_BYTES) return `a task id must not be longer than ${MAX_BYTES} bytes`;
  if (FORBIDDEN.test(id)) return `a task id must not hold '/', '\\' or control characters`;
  return undefined;
}
