/**
 * The house rules of docs/architecture.md, each a function from source files to offences. An offence is one line that names the
 * place and what is wrong: for an import, the edge `a.ts -> b.ts`.
 */

import { adapterOf, codeOf, importsOf, roomOf, sharedGroundOf } from './source.ts';
import type { Import, SourceFile } from './source.ts';

export type Rule = (files: readonly SourceFile[]) => readonly string[];

/** Imports only point down this list. */
const ROOMS = ['cli', 'node', 'api', 'ui', 'leader', 'engine', 'job', 'schedule', 'store', 'executor', 'telemetry', 'clock'];

/** Rooms that do no IO and read no clock. */
const PURE_ROOMS = ['engine', 'job', 'schedule'];

/** All that a pure room may import beside pure rooms: the two ports' words, and libraries that only compute. */
const PURE_FILES = ['store/port.ts', 'store/errors.ts', 'executor/port.ts', 'executor/errors.ts'];
const PURE_PACKAGES = ['zod', 'cron-parser', 're2js', 'node:crypto'];

const LONGEST_FILE = 400;
const VAGUE_NAMES = ['util', 'utils', 'helper', 'helpers', 'common', 'misc', 'shared', 'lib'];

export const importsPointDown: Rule = (files) => {
  const strays = files
    .filter(({ path }) => !ROOMS.includes(roomOf(path)))
    .map(({ path }) => `${path}: not in one of the rooms ${ROOMS.join(', ')}`);
  const edges = allImports(files)
    .filter(({ isFile, from, to }) => isFile && ROOMS.indexOf(roomOf(to)) < ROOMS.indexOf(roomOf(from)))
    .map((edge) => `${arrow(edge)}: ${roomOf(edge.from)} may not import ${roomOf(edge.to) || 'what is outside the rooms'}`);
  return [...strays, ...edges];
};

export const pureRoomsImportOnlyPure: Rule = (files) => {
  return allImports(files.filter(isPure))
    .filter(({ isFile, to }) => (isFile ? !PURE_ROOMS.includes(roomOf(to)) && !PURE_FILES.includes(to) : !PURE_PACKAGES.includes(to)))
    .map((edge) => `${arrow(edge)}: ${roomOf(edge.from)} is pure`);
};

export const pureRoomsTouchNoWorld: Rule = (files) => {
  const world = /\b(process|console|fetch|crypto\.getRandomValues|randomUUID|randomBytes|randomInt)\b|\bglobalThis\b/g;
  return found(files.filter(isPure), world, (what, path) => `${roomOf(path)} is pure and may not use ${what}`);
};

export const onlyNodeNamesAdapters: Rule = (files) => {
  const edges = allImports(files).filter(({ from, isFile }) => isFile && roomOf(from) !== 'node');
  const adapters = edges
    .filter(({ from, to }) => adapterOf(to) !== undefined && adapterOf(to) !== adapterOf(from))
    .map((edge) => `${arrow(edge)}: only node/ names an adapter`);
  const shared = edges
    .filter(({ from, to }) => sharedGroundOf(to) !== undefined && roomOf(from) !== roomOf(to))
    .map((edge) => `${arrow(edge)}: ${sharedGroundOf(edge.to)} is for adapters`);
  return [...adapters, ...shared];
};

export const timeAndChanceComeFromTheClock: Rule = (files) => {
  const others = files.filter(({ path }) => path !== 'clock/system-clock.ts');
  const calls =
    /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|\bMath\.random\b|\b(?:set|clear)(?:Timeout|Interval|Immediate)\b|\bperformance\.now\b|\bprocess\.hrtime\b|\bAbortSignal\.timeout\b/g;
  const timers = allImports(others)
    .filter(({ to }) => to.startsWith('node:timers'))
    .map((edge) => `${arrow(edge)}: take a Clock`);
  return [...found(others, calls, (what) => `${what} is for clock/system-clock.ts only: take a Clock`), ...timers];
};

export const environmentIsReadAtTheEntry: Rule = (files) => {
  const others = files.filter(({ path }) => roomOf(path) !== 'cli' && !/^node\/config[/.-]/.test(path));
  return found(others, /\bprocess\.(?:env|argv)\b/g, (what) => `${what} is for cli/ and node/config only`);
};

export const filesAreShort: Rule = (files) => {
  return files
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > LONGEST_FILE)
    .map(({ path, lines }) => `${path}: ${lines} lines, more than ${LONGEST_FILE}`);
};

export const namesSayWhatIsInside: Rule = (files) => {
  return files.flatMap(({ path }) => {
    const parts = path.replace(/(\.test)?\.ts$/, '').split('/');
    const vague = parts.filter((part) => VAGUE_NAMES.includes(part)).map((part) => `${path}: '${part}' says nothing`);
    const odd = parts.filter((part) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(part)).map((part) => `${path}: '${part}' is not kebab-case`);
    return [...vague, ...odd];
  });
};

export const filesOpenWithTheirPurpose: Rule = (files) => {
  return files
    .filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text))
    .map(({ path }) => `${path}: does not open with a comment that says what it owns`);
};

/** For test files. That a file runs its tests at all is seen by the runner. */
export const noTestSilencesOthers: Rule = (files) => {
  return found(files, /\.only\s*\(/g, () => '.only silences the other tests');
};

function isPure({ path }: SourceFile): boolean {
  return PURE_ROOMS.includes(roomOf(path));
}

function allImports(files: readonly SourceFile[]): readonly Import[] {
  return files.flatMap(importsOf);
}

function arrow({ from, to }: Import): string {
  return `${from} -> ${to}`;
}

/** One offence per line of code that matches. */
function found(files: readonly SourceFile[], pattern: RegExp, say: (what: string, path: string) => string): readonly string[] {
  return files.flatMap(({ path, text }) => {
    return codeOf(text)
      .split('\n')
      .flatMap((line, index) => [...line.matchAll(pattern)].map((match) => `${path}:${index + 1}: ${say(match[0], path)}`));
  });
}
