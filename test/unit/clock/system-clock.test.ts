import assert from 'node:assert/strict';
import { test } from 'uvu';
import { systemClock } from '../../../src/clock/system-clock.ts';

test('a timer never fires before its time by the monotonic clock', async () => {
  for (let i = 0; i < 60; i++) {
    const due = systemClock.monotonic() + 5.3;
    await new Promise<void>((resolve) => systemClock.timer(5.3, resolve));
    assert.ok(systemClock.monotonic() >= due);
  }
});

test('a timer that was stopped does not fire', async () => {
  let fired = false;
  const cancel = systemClock.timer(5, () => {
    fired = true;
  });
  cancel();
  cancel();
  await systemClock.sleep(20);
  assert.equal(fired, false);
});

test('a delay longer than Node’s longest timeout does not fire at once', async () => {
  let fired = false;
  const cancel = systemClock.timer(2 ** 31 + 1000, () => {
    fired = true;
  });
  await systemClock.sleep(20);
  cancel();
  assert.equal(fired, false);
});

test('a sleep ends early, without an error, when it is aborted', async () => {
  const stop = new AbortController();
  const startedAt = systemClock.monotonic();
  const sleeping = systemClock.sleep(60_000, stop.signal);
  stop.abort();
  await sleeping;
  await systemClock.sleep(60_000, stop.signal);
  assert.ok(systemClock.monotonic() - startedAt < 30_000);
});

test.run();
