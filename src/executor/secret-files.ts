/** Secrets as files of one directory, a file each, read anew for every launch so that a replaced file counts at once. */

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { SecretSource } from './secrets.ts';

/** An environment variable can't hold more (execve(2), MAX_ARG_STRLEN), name included. */
export const MAX_SECRET_BYTES = 64 * 1024;

/** One line break at the end is not part of the value: editors and `echo` leave one. */
export function secretFiles(directory: string): SecretSource {
  return {
    read(name) {
      const path = join(directory, name);
      // The schema allows no separators; this holds also for a definition that was stored before.
      if (name.includes('/') || name.startsWith('.')) throw new Error(`secret ${name}: is not the name of a file`);
      const value = content(name, path).replace(/\r?\n$/, '');
      if (value.includes('\0')) throw new Error(`secret ${name}: holds a NUL character, which no variable can`);
      return value;
    },
  };
}

function content(name: string, path: string): string {
  try {
    const { size } = statSync(path);
    if (size <= MAX_SECRET_BYTES) return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'an error';
    throw new Error(`secret ${name}: the leader's node can't read it (${code})`, { cause: error });
  }
  throw new Error(`secret ${name}: is larger than ${MAX_SECRET_BYTES} bytes`);
}
