/**
 * A test runner for Stryker: the unit tests of the pure rooms, kept in one process and run test by test, so that a mutant costs the
 * tests of its room that come near it and no start of a process. Tests of other rooms know of it by hearsay only.
 *
 * A mutant in what is computed when a module is loaded (a schema, a table) needs the modules anew: they are loaded under another
 * name, and what was loaded without a mutant stays.
 */

import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { register } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInThisContext } from 'node:vm';
import fc from 'fast-check';
import { forgetAll } from './forgetful-memo.ts';
import { type CollectedTest, forgetCollectedTests, takeCollectedTests } from './uvu-collector.ts';

const UNIT_TESTS = 'test/unit';
const ROOMS = ['schedule', 'job', 'engine'];

/** They say at length what others say in short, and would make a mutant take half a minute. */
const TOO_SLOW = new Set(['every-transition.test.ts', 'cron-differential.test.ts']);

/** A property is tried with as many examples as fit into this, and with the same in every run. */
const PROPERTY_MS = 400;
const PROPERTY_SEED = 1;

/** How long each test took without a mutant, in milliseconds: for the processes that come after the one that found out. */
const TIMES_FILE = 'mutation-test-times.json';

/** A test that takes so long, beside a multiple of what it needs without a mutant, is taken for endless. */
const SLOW_MS = 3_000;
const SLOW_FACTOR = 10;
const LONGEST_MS = 240_000;
const ENDLESS = 'it does not end';

/** What the instrumented code and the runner share. */
interface Instrumentation {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  mutantCoverage?: unknown;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
}

interface MutantRun {
  readonly activeMutant: { readonly id: string; readonly fileName: string };
  readonly testFilter?: readonly string[];
  readonly hitLimit?: number;
  readonly mutantActivation: 'static' | 'runtime';
}

interface TimedTest extends CollectedTest {
  /** What it takes without a mutant. */
  readonly ms: number;
}

interface Result extends Readonly<Record<string, unknown>> {
  readonly nrOfTests?: number;
}

/** What is run under a time limit is found here. */
const shared = globalThis as { kairosMutationRun?: () => Promise<void> };
const instrumentation = ((globalThis as { __stryker__?: Instrumentation }).__stryker__ ??= {});

class UvuRunner {
  #loads = 0;
  #plain: readonly CollectedTest[] | undefined;
  #times: ReadonlyMap<string, number> | undefined;

  capabilities(): Result {
    return { reloadEnvironment: true };
  }

  async dryRun(): Promise<Result> {
    const times = new Map<string, number>();
    const tests: Result[] = [];
    for (const one of await this.#plainTests()) {
      instrumentation.currentTestId = one.id;
      const startedAt = performance.now();
      const problem = await problemOf(one);
      times.set(one.id, performance.now() - startedAt);
      const outcome = problem === undefined ? { status: 0 } : { status: 1, failureMessage: problem };
      tests.push({ id: one.id, name: one.id, timeSpentMs: times.get(one.id), ...outcome });
    }
    instrumentation.currentTestId = undefined;
    writeFileSync(TIMES_FILE, JSON.stringify([...times]));
    return { status: 'complete', tests, mutantCoverage: instrumentation.mutantCoverage };
  }

  async mutantRun({ activeMutant: { id, fileName }, testFilter, hitLimit, mutantActivation }: MutantRun): Promise<Result> {
    // Loading for the first time must not meet the mutant: later ones would run on what it left.
    const plain = mutantActivation === 'runtime' ? await this.#plainTests() : undefined;
    Object.assign(instrumentation, { activeMutant: id, hitCount: hitLimit === undefined ? undefined : 0, hitLimit });
    if (plain === undefined) return this.#triedAnew(fileName);
    const wanted = testFilter && new Set(testFilter);
    const room = roomOf(fileName);
    return tried(this.#fastestFirst(plain.filter((one) => one.id.startsWith(`${room}/`) && (wanted?.has(one.id) ?? true))));
  }

  /** What was loaded without a mutant. */
  async #plainTests(): Promise<readonly CollectedTest[]> {
    if (this.#plain !== undefined) return this.#plain;
    instrumentation.activeMutant = undefined;
    const load = this.#newLoad();
    const tests: CollectedTest[] = [];
    for (const file of testFiles()) tests.push(...(await testsOf(file, load)));
    return (this.#plain = tests);
  }

  /** Loads and tries one test file of the room after the other. */
  async #triedAnew(source: string): Promise<Result> {
    const load = this.#newLoad();
    let count = 0;
    for (const file of nearest(testFiles(), source)) {
      let result: Result;
      try {
        result = await tried(this.#fastestFirst(await testsOf(file, load)));
      } catch (error) {
        return { status: 'killed', killedBy: [file], failureMessage: `it can't be loaded: ${String(error)}`, nrOfTests: count };
      }
      count += result.nrOfTests ?? 0;
      if (result.status !== 'survived') return { ...result, nrOfTests: count };
    }
    return { status: 'survived', nrOfTests: count };
  }

  #newLoad(): number {
    if (this.#loads === 0) {
      register(`data:text/javascript,${encodeURIComponent(loader())}`);
      fc.configureGlobal({ interruptAfterTimeLimit: PROPERTY_MS, seed: PROPERTY_SEED });
    }
    return (this.#loads += 1);
  }

  #fastestFirst(tests: readonly CollectedTest[]): readonly TimedTest[] {
    const times = (this.#times ??= new Map(
      existsSync(TIMES_FILE) ? (JSON.parse(readFileSync(TIMES_FILE, 'utf8')) as [string, number][]) : [],
    ));
    return tests.map((one) => ({ ...one, ms: times.get(one.id) ?? 0 })).sort((a, b) => a.ms - b.ms);
  }
}

/** `schedule/zone.test.ts` and the like. */
function testFiles(): readonly string[] {
  return ROOMS.flatMap((room) => readdirSync(join(UNIT_TESTS, room)).map((name) => join(room, name))).filter(
    (file) => file.endsWith('.test.ts') && !TOO_SLOW.has(basename(file)),
  );
}

function roomOf(source: string): string {
  return basename(dirname(source));
}

/** The test files of the source file's room, the one of the same name first. */
function nearest(files: readonly string[], source: string): readonly string[] {
  const room = roomOf(source);
  const own = join(room, basename(source).replace(/[.]ts$/, '.test.ts'));
  return files.filter((file) => dirname(file) === room).sort((a, b) => Number(b === own) - Number(a === own));
}

async function testsOf(file: string, load: number): Promise<readonly CollectedTest[]> {
  forgetCollectedTests();
  await import(`${pathToFileURL(resolve(UNIT_TESTS, file)).href}?load=${load}`);
  return takeCollectedTests().map((one, index) => ({ ...one, id: `${file} ${index}: ${one.id}` }));
}

/** Runs the tests until one fails. */
async function tried(tests: readonly TimedTest[]): Promise<Result> {
  for (const [index, one] of tests.entries()) {
    const problem = await problemOf(one, SLOW_MS + SLOW_FACTOR * one.ms);
    const { hitCount, hitLimit } = instrumentation;
    const isEndless = problem === ENDLESS || (hitLimit !== undefined && (hitCount ?? 0) > hitLimit);
    if (isEndless) return { status: 'timeout', reason: one.id };
    if (problem !== undefined) return { status: 'killed', killedBy: [one.id], failureMessage: problem, nrOfTests: index + 1 };
  }
  return { status: 'survived', nrOfTests: tests.length };
}

/**
 * Module hooks: whoever imports uvu gets the collector, the room that remembers gets a memory that can be wiped, and what a test
 * file imports belongs to the same load as the file.
 */
function loader(): string {
  const [collector, memo, root] = ['test/mutation/uvu-collector.ts', 'test/mutation/forgetful-memo.ts', '.'].map(urlOf);
  return `export async function resolve(name, context, next) {
    if (name === 'uvu') return { url: '${collector}', format: 'module', shortCircuit: true };
    if (name === './memo.ts') return { url: '${memo}', format: 'module', shortCircuit: true };
    const found = await next(name, context);
    const load = /[?]load=[0-9]+$/.exec(context.parentURL ?? '');
    const isOurs = found.url.startsWith('${root}/') && !found.url.includes('/node_modules/', ${root?.length}) && !found.url.includes('?');
    return load && isOurs ? { ...found, url: found.url + load[0] } : found;
  }`;
}

function urlOf(path: string): string {
  return pathToFileURL(resolve(path)).href;
}

/** Why the test fails; undefined when it passes. One that never lets go is stopped, so that the process need not be ended. */
async function problemOf({ run }: CollectedTest, limitMs = LONGEST_MS): Promise<string | undefined> {
  forgetAll();
  shared.kairosMutationRun = run;
  try {
    await runInThisContext('kairosMutationRun()', { timeout: Math.ceil(limitMs) });
    return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return ENDLESS;
    return error instanceof Error ? error.message : String(error);
  }
}

export const strykerPlugins = [{ kind: 'TestRunner', name: 'uvu', factory: (): UvuRunner => new UvuRunner() }];
