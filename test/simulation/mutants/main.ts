/**
 * Puts each defect of all-mutants.ts into a copy of the tree and simulates seeds until an invariant breaks: shows that the simulation can see.
 *
 *   node --import tsx test/simulation/mutants/main.ts [--seeds 400] [--hours 1] [--only NAME,…]
 *
 * Prints for each the number of seeds it took and what saw it; ends with 1 when one was not found, or does not fit the code any more.
 */

import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ALL_MUTANTS } from './all-mutants.ts';
import type { Mutant } from './mutant.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const COPIED = ['src', 'test/simulation', 'test/invariants', 'package.json', 'tsconfig.json'];
/** A defect may also make a simulation turn without end. */
const LIMIT_MS = 15 * 60_000;

interface Finding {
  readonly seeds: number | undefined;
  readonly seenBy: string;
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { seeds: { type: 'string' }, hours: { type: 'string' }, only: { type: 'string' } } });
  const seeds = Number(values.seeds ?? 400);
  const hours = Number(values.hours ?? 1);
  const wanted = values.only?.split(',');
  const mutants = ALL_MUTANTS.filter(({ name }) => wanted === undefined || wanted.includes(name));
  const tree = copyTree();
  let missed = 0;
  try {
    for (const mutant of mutants) {
      const finding = await hunt(tree, mutant, { seeds, hours: mutant.hours ?? hours });
      const isExpected = mutant.seenBy.includes(finding.seenBy);
      if (finding.seeds === undefined) missed += 1;
      const text =
        finding.seeds === undefined
          ? `NOT FOUND (${finding.seenBy})`
          : `${finding.seeds} seeds, by ${finding.seenBy}${isExpected ? '' : ' (unexpected)'}`;
      console.log(`${mutant.name.padEnd(32)} ${text}`);
    }
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
  console.log(`${mutants.length - missed} of ${mutants.length} found`);
  return missed === 0 ? 0 : 1;
}

function copyTree(): string {
  const tree = mkdtempSync(join(tmpdir(), 'kairos-mutants-'));
  for (const path of COPIED) cpSync(join(ROOT, path), join(tree, path), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'));
  return tree;
}

async function hunt(tree: string, mutant: Mutant, { seeds, hours }: { readonly seeds: number; readonly hours: number }): Promise<Finding> {
  const path = join(tree, mutant.file);
  const text = readFileSync(path, 'utf8');
  if (text.split(mutant.find).length !== 2) return { seeds: undefined, seenBy: `its text does not stand once in ${mutant.file}` };
  writeFileSync(
    path,
    text.replace(mutant.find, () => mutant.replace),
  );
  try {
    const range = ['--from', String(mutant.from ?? 1), '--seeds', String(seeds), '--hours', String(hours)];
    const output = await simulate(tree, [...range, '--no-shrink', '--workers', '1']);
    const failed = /^seed (\d+) fails: (?:InvariantViolation: ([a-z-]+):|(\w+))/m.exec(output);
    if (failed) return { seeds: Number(failed[1]) - (mutant.from ?? 1) + 1, seenBy: failed[2] ?? failed[3] ?? 'an error' };
    if (/Error/.test(output)) return { seeds: undefined, seenBy: `it does not run: ${output.slice(0, 300)}` };
    return { seeds: undefined, seenBy: `${seeds} seeds passed` };
  } finally {
    writeFileSync(path, text);
  }
}

function simulate(tree: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'test/simulation/main.ts', ...args], { cwd: tree, timeout: LIMIT_MS });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('close', () => resolve(output));
  });
}

process.exitCode = await main();
