/**
 * What one next() costs for a handful of schedules, and what 100,000 zoned jobs cost to compile.
 * Run it: node --import tsx test/bench/schedule.ts
 */

import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';
import { compileSchedule } from '../../src/schedule/compile-schedule.ts';
import type { Schedule } from '../../src/schedule/schedule.ts';

export interface ScheduleTiming {
  readonly text: string;
  readonly timeZone: string;
  /** Nanoseconds for one call, asked one after the other. */
  readonly sequentialNs: number;
  /** Nanoseconds for one call at instants that jump about within ten years. */
  readonly randomNs: number;
}

const START = Date.UTC(2026, 0, 1);
const TEN_YEARS_MS = 10 * 365 * 86_400_000;
const CALLS = 20_000;
const CASES: readonly (readonly [text: string, timeZone: string])[] = [
  ['*/5 * * * *', 'UTC'],
  ['0 0 * * *', 'UTC'],
  ['0 9 * * 1-5', 'America/New_York'],
  ['30 2 1 * *', 'America/New_York'],
  ['0 0 L * *', 'America/New_York'],
  ['0 0 * * 5#3', 'America/New_York'],
  ['0 0 29 2 *', 'America/New_York'],
  ['0 * 29 2 *', 'America/New_York'],
  ['* * * * * *', 'America/New_York'],
  ['R/2020-01-01T00:00:00Z/PT1S', 'America/New_York'],
  ['R/2020-01-01T03:00/P1D', 'America/New_York'],
  ['R/2020-01-31T03:00/P1M', 'America/New_York'],
];

/** Times next() for each case. */
export function timeNext(): readonly ScheduleTiming[] {
  return CASES.map(([text, timeZone]) => {
    const schedule = compileSchedule({ text, timeZone, seed: 'bench', anchor: START });
    timeRandom(schedule);
    return { text, timeZone, sequentialNs: timeSequential(schedule), randomNs: timeRandom(schedule) };
  });
}

/** Milliseconds and bytes of heap for compiling `jobs` jobs over many expressions and zones and asking each for its next time. */
export function timeCompile(jobs: number): { readonly ms: number; readonly heapBytes: number } {
  const zones = Intl.supportedValuesOf('timeZone');
  const compiled: Schedule[] = [];
  const heap = process.memoryUsage().heapUsed;
  const began = performance.now();
  for (let job = 0; job < jobs; job += 1) {
    const timeZone = zones[job % zones.length] ?? 'UTC';
    const text = ['H H * * *', '*/5 * * * *', `${job % 60} ${job % 24} * * 1-5`, 'R//P1D', 'H * * * *'][job % 5] ?? '';
    const schedule = compileSchedule({ text, timeZone, seed: `group.job-${job}`, anchor: START });
    schedule.next(START);
    compiled.push(schedule);
  }
  return { ms: performance.now() - began, heapBytes: process.memoryUsage().heapUsed - heap };
}

function timeSequential(schedule: Schedule): number {
  let at = START;
  const began = performance.now();
  for (let call = 0; call < CALLS; call += 1) {
    at = schedule.next(at) ?? START;
    if (at > START + TEN_YEARS_MS) at = START;
  }
  return ((performance.now() - began) / CALLS) * 1e6;
}

function timeRandom(schedule: Schedule): number {
  let state = 1;
  const began = performance.now();
  for (let call = 0; call < CALLS; call += 1) {
    state = Math.imul(state, 1_103_515_245) + 12_345;
    schedule.next(START + ((state >>> 0) / 2 ** 32) * TEN_YEARS_MS);
  }
  return ((performance.now() - began) / CALLS) * 1e6;
}

/** Prints both. */
export function benchSchedule(): void {
  console.log(`${'schedule'.padEnd(30)}${'zone'.padEnd(20)}${'next, ns'.padStart(10)}${'random, ns'.padStart(12)}`);
  for (const { text, timeZone, sequentialNs, randomNs } of timeNext()) {
    console.log(`${text.padEnd(30)}${timeZone.padEnd(20)}${sequentialNs.toFixed(0).padStart(10)}${randomNs.toFixed(0).padStart(12)}`);
  }
  const { ms, heapBytes } = timeCompile(100_000);
  console.log(`compile and first next() of 100,000 zoned jobs: ${ms.toFixed(0)} ms, ${(heapBytes / 1e5).toFixed(0)} bytes of heap each`);
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) benchSchedule();
