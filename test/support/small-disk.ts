/** A disk of its own, small enough to be filled. Needs root. */

import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const BALLAST = 'ballast';

/** Mounted at `directory`, which exists; returns how it goes away again. `size`: as tmpfs(5) has it. */
export function mountSmallDisk(directory: string, size: string): () => void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'kairos-test', directory]);
  return () => void execFileSync('umount', ['-l', directory]);
}

/** To the last byte. */
export function fillDisk(directory: string): void {
  for (const size of [65_536, 4096, 1]) while (hasRoom(directory, size));
}

export function emptyDisk(directory: string): void {
  rmSync(join(directory, BALLAST));
}

function hasRoom(directory: string, size: number): boolean {
  try {
    writeFileSync(join(directory, BALLAST), Buffer.alloc(size), { flag: 'a' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}
