/**
 * The sandbox directories of an agent, laid out as Mesos does, and the virtual paths under which they are read.
 * They stay after a task's end, until the stand-in stops.
 */

import { mkdirSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { isAbsolute, join, normalize, sep } from 'node:path';

const LATEST = 'latest';

export interface SandboxOwner {
  readonly agentId: string;
  readonly frameworkId: string;
  readonly executorId: string;
  readonly containerId: string;
}

export class Sandboxes {
  readonly #workDir: string;
  readonly #latest = new Map<string, string>();
  readonly #known = new Set<string>();

  /** `workDir` empty: no sandbox is ever made. */
  constructor(workDir: string) {
    this.#workDir = workDir;
  }

  create(owner: SandboxOwner): string {
    if (this.#workDir === '') return '';
    const { agentId, frameworkId, executorId, containerId } = owner;
    const runs = join(this.#workDir, 'slaves', agentId, 'frameworks', frameworkId, 'executors', executorId, 'runs');
    const directory = join(runs, containerId);
    mkdirSync(directory, { recursive: true, mode: 0o750 });
    rmSync(join(runs, LATEST), { force: true });
    symlinkSync(directory, join(runs, LATEST));
    this.#latest.set(virtualPath(frameworkId, executorId), directory);
    this.#known.add(directory);
    return directory;
  }

  /** All sandboxes, the newest run of each executor: for the agent's /state. */
  directories(): ReadonlyMap<string, string> {
    return this.#latest;
  }

  /** The file behind a virtual or real path; undefined when it is not in a sandbox. */
  resolve(path: string): string | undefined {
    const clean = normalize(path).replace(/\/+$/, '');
    for (const [virtual, directory] of this.#latest) {
      if (clean === virtual || clean.startsWith(virtual + sep)) return inside(directory, clean.slice(virtual.length));
    }
    for (const directory of this.#known) {
      if (isAbsolute(clean) && (clean === directory || clean.startsWith(directory + sep)))
        return inside(directory, clean.slice(directory.length));
    }
    return undefined;
  }

  /** Garbage collection of one executor's newest run: its files go; the directory was seen to stay for a while. */
  collect(frameworkId: string, executorId: string): void {
    const directory = this.#latest.get(virtualPath(frameworkId, executorId));
    if (directory === undefined) return;
    for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true, force: true });
  }
}

function virtualPath(frameworkId: string, executorId: string): string {
  return `/frameworks/${frameworkId}/executors/${executorId}/runs/${LATEST}`;
}

/** Follows links, and refuses what leads out of the sandbox. */
function inside(directory: string, rest: string): string | undefined {
  try {
    const real = realpathSync(join(directory, rest));
    const root = realpathSync(directory);
    return real === root || real.startsWith(root + sep) ? real : undefined;
  } catch {
    return undefined;
  }
}
