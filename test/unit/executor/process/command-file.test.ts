import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { test } from 'uvu';
import { commandFile } from '../../../../src/executor/process/command-file.ts';

test('the environment comes after the privileges, and the command last', () => {
  const text = commandFile({ prefix: ['setpriv', '--'], command: ['tool', 'a b'], env: { A: "it's", 'with.dot': '' } });
  assert.equal(text, "exec 'setpriv' '--' '/usr/bin/env' '-i' 'A=it'\\''s' 'with.dot=' 'tool' 'a b'\n");
});

test('whatever the words are, the shell hands them over as they are', () => {
  const word = fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(fc.array(word), word, (words, value) => {
      const text = commandFile({ prefix: [], command: ['/bin/sh', '-c', 'printf "%s\\0" "$A" "$@"', 'sh', ...words], env: { A: value } });
      const out = execFileSync('/bin/sh', ['-c', text]).toString().split('\0').slice(0, -1);
      // What is not valid Unicode is not told apart from its replacement.
      const plain = (part: string): string => Buffer.from(part).toString();
      assert.deepEqual(out, [value, ...words].map(plain));
    }),
    { numRuns: 30 },
  );
});

test('what no process can be started with is refused, and says why', () => {
  const refuse = (command: readonly string[], env: Record<string, string>, message: RegExp): void =>
    assert.throws(() => commandFile({ prefix: [], command, env }), { name: 'RangeError', message });
  refuse(['a\0b'], {}, /NUL/);
  refuse(['a'], { B: '\0' }, /NUL/);
  refuse(['A=b'], {}, /can't hold '='/);
  refuse(['a', 'x'.repeat(131_072)], {}, /131072 bytes; at most 131071/);
  refuse(['a', ...Array.from({ length: 9 }, () => 'x'.repeat(131_000))], {}, /at most 1048576/);
});

test.run();
