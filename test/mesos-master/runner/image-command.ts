/**
 * What the Mesos containerizer makes of a CommandInfo and an image's own entrypoint and command: the documented table of its
 * `docker/runtime` isolator. Unlike `docker run`: `value` replaces the entrypoint, `arguments` then begin with argv[0], and without
 * `value` an image that has no entrypoint runs the first word of its command, with `arguments` after it.
 */

import type { CommandInfo } from '../wire/call.ts';

export interface ImageConfig {
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
}

/** The program and its arguments; or the error that the container fails to launch with. */
export function imageCommand(command: CommandInfo, image: ImageConfig): readonly string[] | { readonly error: string } {
  const { shell = true, value, arguments: words = [] } = command;
  const entrypoint = image.Entrypoint ?? [];
  const cmd = image.Cmd ?? [];
  if (shell) return value === undefined ? { error: 'Shell specified but no command value provided' } : ['/bin/sh', '-c', value];
  if (value !== undefined) return [value, ...words.slice(1)];
  if (entrypoint.length > 0) return [...entrypoint, ...(words.length > 0 ? words : cmd)];
  const [program, ...rest] = cmd;
  if (program === undefined) return { error: 'No executable is found' };
  return [program, ...(words.length > 0 ? words : rest)];
}
