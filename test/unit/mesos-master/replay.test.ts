/** The stand-in against recordings of a real master: same answers, states, reasons, sources, messages and order. */

import { readdirSync } from 'node:fs';
import { test } from 'uvu';
import assert from 'node:assert/strict';
import { readRecording } from './recording.ts';
import { replay } from './replay.ts';

const names = readdirSync(new URL('./recordings/', import.meta.url)).map((file) => file.replace('.json', ''));

test('every recording is there', () => {
  assert.equal(names.length, 21);
});

for (const name of names) {
  const recording = readRecording(name);
  test(`${name}: ${recording.shows}`, () => replay(recording));
}

test.run();
