/** docs/mesos.md has the status table in words: every state and every word that can be told is in it. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import { STATUS_TABLE } from '../../../../src/executor/mesos/status-table.ts';

const DOCS = readFileSync(new URL('../../../../docs/mesos.md', import.meta.url), 'utf8');

test('every state is documented', () => {
  for (const state of STATUS_TABLE.keys()) assert.ok(new RegExp(`^\\| .*\\b${state}\\b`, 'm').test(DOCS), state);
});

test('every reason word is documented', () => {
  for (const rows of STATUS_TABLE.values()) {
    for (const { meaning, word } of rows) {
      if (word !== undefined && meaning !== 'nothing') assert.ok(DOCS.includes(`\`${word}\``), word);
    }
  }
});

test('every reason of Mesos that the table looks for is documented', () => {
  for (const rows of STATUS_TABLE.values()) {
    for (const reason of rows.flatMap((row) => row.reason ?? [])) {
      const short = reason.replace(/^REASON_(EXECUTOR|CONTAINER_LIMITATION)/, '');
      assert.ok(DOCS.includes(reason) || (short !== '' && DOCS.includes(short)), reason);
    }
  }
});

test.run();
