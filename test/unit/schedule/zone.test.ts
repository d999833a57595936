import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'uvu';
import { Zone, zoneNamed } from '../../../src/schedule/zone.ts';
import { DAY, HOUR, MINUTE, wallClock } from './wall-clock.ts';

const anyZone = fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
const anyInstant = fc.integer({ min: Date.UTC(1970, 0, 1) / 1000, max: Date.UTC(2060, 0, 1) / 1000 }).map((second) => second * 1000);

test('the offset is the one that the clock of the zone shows', () => {
  fc.assert(
    fc.property(anyZone, anyInstant, (name, instant) => {
      const segment = zoneNamed(name).segmentAt(instant);
      assert.equal(instant + segment.offset, wallClock(name)(instant));
      assert.ok(segment.start <= instant && instant < segment.end);
    }),
    { numRuns: 3000 },
  );
});

test('an offset may have minutes and seconds', () => {
  const offsetAt = (name: string, at: number): number => zoneNamed(name).segmentAt(at).offset;
  assert.equal(offsetAt('Africa/Monrovia', Date.UTC(1971, 5, 1)), -(44 * MINUTE + 30_000));
  assert.equal(offsetAt('Asia/Kathmandu', Date.UTC(2026, 0, 1)), 5 * HOUR + 45 * MINUTE);
  assert.equal(
    offsetAt('Europe/Amsterdam', Date.UTC(1900, 0, 1)),
    wallClock('Europe/Amsterdam')(Date.UTC(1900, 0, 1)) - Date.UTC(1900, 0, 1),
  );
});

test('segments follow each other without a hole, whichever is asked for first', () => {
  for (const name of ['America/New_York', 'Africa/Casablanca', 'Pacific/Apia', 'UTC']) {
    const zone = zoneNamed(name);
    let segment = zone.segmentAt(Date.UTC(1990, 0, 1));
    while (segment.end < Date.UTC(2040, 0, 1)) {
      const next = zone.segmentAt(segment.end);
      assert.equal(next.start, segment.end);
      assert.deepEqual(zone.segmentAt(segment.end - 1), segment);
      segment = next;
    }
  }
});

test('a wall time is later than all that have been read exactly when its first instant is still to come', () => {
  fc.assert(
    fc.property(anyZone, anyInstant, fc.integer({ min: -30 * HOUR, max: 30 * HOUR }), (name, instant, distance) => {
      const zone = zoneNamed(name);
      const wall = zone.latestWall(instant) + distance;
      assert.equal(zone.firstInstant(wall) > instant, distance > 0);
    }),
    { numRuns: 3000 },
  );
});

/** A zone of one change, at a chosen instant. */
function zoneChanging(at: number, before: number, after: number): Zone {
  return new Zone('test', (instant) => (instant < at ? before : after));
}

test('a change is understood wherever it falls beside the blocks that segments are kept in', () => {
  const block = 2 ** 35;
  for (const distance of [-DAY, -HOUR, -30 * MINUTE, -1000, 0, 1000, 30 * MINUTE, DAY]) {
    const at = Math.ceil((50 * block + distance) / 1000) * 1000;
    for (const shift of [HOUR, -HOUR, 30 * MINUTE, -DAY, DAY]) {
      const before = shift > 0 ? -12 * HOUR : 12 * HOUR;
      const zone = zoneChanging(at, before, before + shift);
      const wallAtChange = at + before;
      if (shift > 0) {
        assert.equal(zone.firstInstant(wallAtChange), at);
        assert.equal(zone.firstInstant(wallAtChange + shift / 2), at);
        assert.equal(zone.firstInstant(wallAtChange + shift + 1), at + 1);
        continue;
      }
      assert.equal(zone.firstInstant(wallAtChange - 1), at - 1);
      assert.equal(zone.firstInstant(wallAtChange), at - shift);
      for (const part of [0, 0.25, 0.5, 0.999]) {
        assert.equal(zone.latestWall(at + Math.floor(-shift * part)), wallAtChange - 1, `${distance} ${shift} ${part}`);
      }
      assert.equal(zone.latestWall(at - shift), wallAtChange);
    }
  }
});

test('where nothing changes a block begins with what the clock reads then', () => {
  const block = 50 * 2 ** 35;
  const zone = new Zone('test', () => HOUR);
  for (const at of [block - 1, block, block + 1]) assert.equal(zone.latestWall(at), at + HOUR);
});

test('memory is bounded however far apart the instants are', () => {
  let reads = 0;
  const zone = new Zone('test', () => {
    reads += 1;
    return HOUR;
  });
  for (let year = 1; year < 2000; year += 1) assert.equal(zone.segmentAt(Date.UTC(year + 1000, 0, 1)).offset, HOUR);
  const before = reads;
  zone.segmentAt(Date.UTC(2999, 0, 2));
  assert.equal(reads, before);
  for (let time = 0; time < 3; time += 1) for (const year of [2998, 2990]) zone.segmentAt(Date.UTC(year, 0, 2));
  assert.equal(reads, before, 'what was asked lately is remembered');
});

test.run();
