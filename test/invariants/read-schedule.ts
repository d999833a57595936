/**
 * A second reading of schedules: the nominal times that a text, a zone and an anchor name, found by looking at one after the other. Shares
 * no code with src/schedule; the words for what clocks do are those of docs/architecture.md.
 *
 * A repeating interval's time k is its start and k periods, on the wall clock as far as months and days go: counted from the start, never
 * from the time before.
 */

import type { Schedule } from '../../src/schedule/schedule.ts';
import { type CronDay, readCron, type ReadCron } from './read-cron.ts';
import { durationParts } from './read-spec.ts';
import { type WallTime, wallTimeOf } from './wall-time.ts';

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
const LAST_INSTANT = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
/** The calendar repeats: what has not come in so many days of a cron expression's will not come. */
const LONGEST_SEARCH_DAYS = 41 * 366;

export interface ScheduleText {
  readonly text: string;
  readonly timeZone: string | undefined;
  /** The job's name. */
  readonly seed: string;
  readonly anchor: number;
}

type Step = (instant: number) => number | undefined;

export function readSchedule({ text, timeZone = 'UTC', seed, anchor }: ScheduleText): Schedule {
  const clock = wallTimeOf(timeZone);
  const plain = text.trim();
  if (plain.startsWith('R')) return withCount('repeating', readRepeating(plain, clock, anchor));
  return withCount('cron', cronSteps(readCron(plain, seed), clock));
}

/** `next` and `previous` are asked for the same again and again: by each rule. */
function withCount(kind: Schedule['kind'], steps: { readonly next: Step; readonly previous: Step }): Schedule {
  const next = remembering(steps.next);
  const count = (after: number, until: number, limit: number): number => {
    let found = 0;
    for (let at = next(after); at !== undefined && at <= until && found < limit; at = next(at)) found += 1;
    return found;
  };
  return { kind, next, previous: remembering(steps.previous), count };
}

function remembering(step: Step): Step {
  let known: { readonly asked: number; readonly told: number | undefined } | undefined;
  return (asked) => {
    if (known?.asked !== asked) known = { asked, told: step(asked) };
    return known.told;
  };
}

interface Period {
  readonly months: number;
  readonly days: number;
  readonly ms: number;
}

function readRepeating(text: string, clock: WallTime, anchor: number): { readonly next: Step; readonly previous: Step } {
  const [repetitions = '', from = '', last = ''] = text.split('/');
  const times = repetitions === 'R' ? Infinity : Number(repetitions.slice(1));
  const start = from === '' ? { instant: anchor, wall: clock.at(anchor) } : readMoment(from, clock);
  const period = last.startsWith('P') ? readPeriod(last) : { months: 0, days: 0, ms: readMoment(last, clock).instant - start.instant };
  const timeOf = (index: number): number => {
    if (index === 0) return start.instant;
    if (period.months === 0 && period.days === 0) return start.instant + index * period.ms;
    return clock.firstAt(movedWall(start.wall, index, period)) + index * period.ms;
  };
  /** Of the last time that is not after the instant; -1: there is none. */
  const indexAt = (instant: number): number => {
    if (instant < start.instant) return -1;
    let index = Math.floor((instant - start.instant) / (period.months * 30 * DAY_MS + period.days * DAY_MS + period.ms));
    while (index > 0 && timeOf(index) > instant) index -= 1;
    while (timeOf(index + 1) <= instant) index += 1;
    return index;
  };
  return {
    next: (after) => {
      const index = indexAt(after) + 1;
      if (index >= times) return undefined;
      const at = timeOf(index);
      return at > LAST_INSTANT ? undefined : at;
    },
    previous: (before) => {
      const index = Math.min(indexAt(before - 1), times - 1);
      return index < 0 ? undefined : timeOf(index);
    },
  };
}

function readPeriod(text: string): Period {
  const parts = durationParts(text);
  const of = (unit: string): number => parts.get(unit) ?? 0;
  const ms = of('TH') * 3_600_000 + of('TM') * 60_000 + Math.round(of('TS') * SECOND_MS);
  return { months: of('Y') * 12 + of('M'), days: of('W') * 7 + of('D'), ms };
}

/** A day that a month lacks is its last. */
function movedWall(wall: number, times: number, { months, days }: Period): number {
  const from = new Date(wall);
  const time = wall - Date.UTC(from.getUTCFullYear(), from.getUTCMonth(), from.getUTCDate());
  const month = from.getUTCMonth() + times * months;
  const lastDay = new Date(Date.UTC(from.getUTCFullYear(), month + 1, 0)).getUTCDate();
  return Date.UTC(from.getUTCFullYear(), month, Math.min(from.getUTCDate(), lastDay) + times * days) + time;
}

/** With an offset or Z an instant, without either by the wall clock of the zone. */
function readMoment(text: string, clock: WallTime): { readonly instant: number; readonly wall: number } {
  const [, local = '', zone] = /^(.*?)(Z|(?<=T.*)[+-]\d\d(?::?\d\d)?)?$/.exec(text.replace(',', '.')) ?? [];
  const [date = '', time = '00:00'] = local.split('T');
  const wall = Date.parse(`${date}T${time}Z`);
  if (Number.isNaN(wall)) throw new Error(`${JSON.stringify(text)} is no date and time`);
  if (zone === undefined) return { instant: clock.firstAt(wall), wall };
  const [hours = 0, minutes = 0] = zone === 'Z' ? [] : [Number(zone.slice(1, 3)), Number(zone.slice(3).replace(':', ''))];
  const instant = wall - (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
  return { instant, wall: clock.at(instant) };
}

/**
 * A schedule of fixed hours is due once the clock has reached or passed a time that it names; one of every hour whenever the clock reads
 * such a time.
 */
function cronSteps(cron: ReadCron, clock: WallTime): { readonly next: Step; readonly previous: Step } {
  if (cron.isEveryHour) return { next: (after) => nextRead(cron, clock, after), previous: (before) => lastRead(cron, clock, before - 1) };
  return {
    next: (after) => {
      const wall = namedFrom(cron, clock.latestUpTo(after) + 1);
      return wall === undefined ? undefined : clock.firstAt(wall);
    },
    previous: (before) => {
      const wall = namedUpTo(cron, clock.latestUpTo(before - 1));
      return wall === undefined ? undefined : clock.firstAt(wall);
    },
  };
}

function nextRead(cron: ReadCron, clock: WallTime, after: number): number | undefined {
  for (let from = after + 1; ; ) {
    const offset = clock.offsetAt(from);
    const wall = namedFrom(cron, from + offset);
    if (wall === undefined) return undefined;
    const change = clock.changeIn(from, wall - offset);
    if (change === undefined) return wall - offset;
    from = change;
  }
}

function lastRead(cron: ReadCron, clock: WallTime, upTo: number): number | undefined {
  for (let to = upTo; ; ) {
    const offset = clock.offsetAt(to);
    const wall = namedUpTo(cron, to + offset);
    if (wall === undefined) return undefined;
    let change: number | undefined;
    for (let from: number | undefined = wall - offset; from !== undefined; from = clock.changeIn(from, to)) change = from;
    if (change === wall - offset) return change;
    to = (change as number) - 1;
  }
}

/** The first wall time from here on that the expression names. */
function namedFrom(cron: ReadCron, from: number): number | undefined {
  const first = Math.ceil(from / SECOND_MS) * SECOND_MS;
  let day = Math.floor(first / DAY_MS) * DAY_MS;
  for (let left = LONGEST_SEARCH_DAYS; left > 0; left--, day += DAY_MS) {
    if (!cron.isNamed(dayOf(day))) continue;
    const time = cron.times.find((second) => day + second * SECOND_MS >= first);
    if (time !== undefined) return day + time * SECOND_MS;
  }
  return undefined;
}

function namedUpTo(cron: ReadCron, to: number): number | undefined {
  let day = Math.floor(to / DAY_MS) * DAY_MS;
  for (let left = LONGEST_SEARCH_DAYS; left > 0; left--, day -= DAY_MS) {
    if (!cron.isNamed(dayOf(day))) continue;
    const time = cron.times.findLast((second) => day + second * SECOND_MS <= to);
    if (time !== undefined) return day + time * SECOND_MS;
  }
  return undefined;
}

function dayOf(wall: number): CronDay {
  const date = new Date(wall);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() + 1];
  return { month, day: date.getUTCDate(), weekday: date.getUTCDay(), length: new Date(Date.UTC(year, month, 0)).getUTCDate() };
}
