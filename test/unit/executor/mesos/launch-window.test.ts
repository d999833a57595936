import assert from 'node:assert/strict';
import { test } from 'uvu';
import { DEFAULT_LAUNCH_PACE, LaunchWindow } from '../../../../src/executor/mesos/launch-window.ts';

const { initial: INITIAL, most: MOST, slowMs: SLOW_MS, forgetMs: FORGET_MS } = DEFAULT_LAUNCH_PACE;

function fill(window: LaunchWindow, count: number, now = 0): string[] {
  const ids = Array.from({ length: count }, (_, index) => `t${now}-${index}`);
  for (const id of ids) window.launched(id, 'a', now);
  return ids;
}

test('an agent has room for the initial number, less what is on its way', () => {
  const window = new LaunchWindow({ initial: 3 });
  assert.equal(window.room('a', 0), 3);
  const [first] = fill(window, 3);
  assert.equal(window.room('a', 0), 0);
  assert.equal(window.room('b', 0), 3);
  assert.equal(window.heard(first!, 1_000, false), 'a');
  assert.ok(window.room('a', 1_000) >= 1);
});

test('what is heard of quickly widens a window that was full, up to the most', () => {
  const window = new LaunchWindow();
  for (let round = 0; round < 200; round += 1) {
    const now = round * 1_000;
    for (const id of fill(window, window.room('a', now), now)) window.heard(id, now + 500, false);
  }
  assert.equal(window.limit('a'), MOST);
});

test('each quick launch of a full window widens it, so that it soon fits an agent that is fast', () => {
  const window = new LaunchWindow({ initial: 8 });
  for (const id of fill(window, 8)) window.heard(id, 500, false);
  assert.equal(window.limit('a'), 16);
});

test('a window that was not full does not grow', () => {
  const window = new LaunchWindow();
  fill(window, 1, 1);
  for (let round = 0; round < 50; round += 1) for (const id of fill(window, 2, round + 10)) window.heard(id, round + 11, false);
  assert.equal(window.limit('a'), INITIAL);
});

test('one slow burst halves the window once, not once a task', () => {
  const window = new LaunchWindow({ initial: 8 });
  for (const id of fill(window, 8)) window.heard(id, SLOW_MS + 1, false);
  assert.equal(window.limit('a'), 4);
});

test('time-outs of Mesos halve it down to one', () => {
  const window = new LaunchWindow({ initial: 8 });
  for (let round = 0; round < 6; round += 1) {
    const now = round * 1_000_000;
    for (const id of fill(window, 1, now)) window.heard(id, now + 60_000, true);
  }
  assert.equal(window.limit('a'), 1);
});

test('a launch that nothing is heard of does not block the agent for ever', () => {
  const window = new LaunchWindow({ initial: 2 });
  fill(window, 2);
  assert.equal(window.room('a', FORGET_MS - 1), 0);
  assert.equal(window.room('a', FORGET_MS), 2);
});

test('a lost agent takes its launches along, and one launch counts once', () => {
  const window = new LaunchWindow({ initial: 2 });
  window.launched('t', 'a', 0);
  window.launched('t', 'a', 0);
  assert.equal(window.room('a', 0), 1);
  window.agentLost('a');
  assert.equal(window.room('a', 0), 2);
  assert.equal(window.heard('t', 1, false), undefined);
});

test.run();
