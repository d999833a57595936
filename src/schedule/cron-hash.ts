/**
 * `H` in a cron expression: a value that differs from job to job and never changes for one job, so that jobs which
 * only want "once an hour" don't all run in the same second.
 *
 *   H        one value of the field (days of month 1-28, so that every month has it)
 *   H(a-b)   one value from a to b
 *   H/s      every s, beginning at one of the first s values
 *   H(a-b)/s the same from a to b
 *
 * Each field has a hash of its own, made of the seed and the field's name; all items of a field share it.
 */

import { type CronField, CronItemError } from './cron-field.ts';

const HASHED = /^H(?:\((\d+)-(\d+)\))?(?:\/(\d+))?$/;

/** Whether an item stands for a hashed value. */
export function isHashed(item: string): boolean {
  return item === 'H' || item.startsWith('H(') || item.startsWith('H/') || /^H\d/.test(item);
}

/** The item with its values in place of `H`, as in `7,22,37,52` for `H/15`. Throws a CronItemError. */
export function resolveHashed(field: CronField, item: string, seed: string): string {
  const match = HASHED.exec(item);
  if (match === null) {
    throw new CronItemError(field, item, {
      reason: `${JSON.stringify(item)} can't be read; H stands alone or as H(a-b), H/step, H(a-b)/step`,
    });
  }
  const from = Number(match[1] ?? field.min);
  const to = Number(match[2] ?? field.hashMax);
  if (from > to) throw new CronItemError(field, item, { reason: `the range ${from}-${to} runs backwards` });
  if (from < field.min || to > field.max) {
    throw new CronItemError(field, item, { reason: `${from}-${to} is outside ${field.min}-${field.max}` });
  }
  const size = to - from + 1;
  const step = Number(match[3] ?? size);
  if (step < 1 || step > size) {
    throw new CronItemError(field, item, {
      reason: `the step ${step} is not between 1 and ${size}, the number of values in ${from}-${to}`,
    });
  }
  const values: number[] = [];
  for (let value = from + (hashOf(`${field.name}\n${seed}`) % step); value <= to; value += step) values.push(value);
  return values.join(',');
}

/** FNV-1a over UTF-16 code units, then mixed (the finalizer of MurmurHash3) so that a remainder depends on every bit. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
