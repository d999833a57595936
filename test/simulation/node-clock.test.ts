import assert from 'node:assert/strict';
import { test } from 'uvu';
import { NodeClock } from './node-clock.ts';
import { Random } from './random.ts';
import { VirtualTime } from './virtual-time.ts';

const HOUR_MS = 3_600_000;

test('both clocks of a node drift, and its timers with them, never before their time', async () => {
  for (const driftPpm of [-100, 100]) {
    const time = new VirtualTime(0);
    const clock = new NodeClock(time, new Random('drift'), { offsetMs: 0, driftPpm });
    const due = clock.monotonic() + HOUR_MS;
    let firedAt = 0;
    clock.timer(HOUR_MS, () => {
      assert.ok(clock.monotonic() >= due);
      firedAt = time.now;
    });
    await time.run(2 * HOUR_MS);
    assert.ok(Math.abs(firedAt - HOUR_MS + 3.6 * driftPpm) <= 1, `fired at ${firedAt}`);
    assert.equal(clock.now(), 2 * HOUR_MS + 7.2 * driftPpm);
  }
});

test('while a machine sleeps its monotonic clock and its timers stand still, and its wall clock goes on', async () => {
  const time = new VirtualTime(0);
  const clock = new NodeClock(time, new Random('sleep'), { offsetMs: 0, driftPpm: 0 });
  const before = clock.monotonic();
  let firedAt: number | undefined;
  clock.timer(5_000, () => (firedAt = time.now));
  await time.run(1_000);
  clock.suspend();
  await time.run(61_000);
  assert.equal(clock.monotonic(), before + 1_000);
  clock.resume();
  assert.equal(clock.now(), 61_000);
  await time.run(64_999);
  assert.equal(firedAt, undefined);
  await time.run(65_000);
  assert.equal(firedAt, 65_000);
  assert.equal(clock.monotonic(), before + 5_000);
});

test.run();
