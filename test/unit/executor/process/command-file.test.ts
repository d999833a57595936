import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import { commandFile } from '../../../../src/executor/process/command-file.ts';

test('the environment comes after the privileges, and the command last', () => {
  const text = commandFile({ prefix: ['setpriv', '--'], command: ['tool', 'a b'], env: { A: "it's", 'with.dot': '' }, secrets: {} });
  assert.equal(text, "exec 'setpriv' '--' '/usr/bin/env' '-i' 'A=it'\\''s' 'with.dot=' 'tool' 'a b'\n");
});

test('whatever the words are, the shell hands them over as they are', () => {
  const word = fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(fc.array(word), word, (words, value) => {
      const text = commandFile({
        prefix: [],
        command: ['/bin/sh', '-c', 'printf "%s\\0" "$A" "$@"', 'sh', ...words],
        env: { A: value },
        secrets: {},
      });
      const out = execFileSync('/bin/sh', ['-c', text]).toString().split('\0').slice(0, -1);
      // What is not valid Unicode is not told apart from its replacement.
      const plain = (part: string): string => Buffer.from(part).toString();
      assert.deepEqual(out, [value, ...words].map(plain));
    }),
    { numRuns: 30 },
  );
});

/** What the command sees of its environment, by name. */
function environmentOf(shell: string, secrets: Record<string, string>, given: Record<string, string> = {}): Record<string, string> {
  const directory = mkdtempSync(join(tmpdir(), 'kairos-command-'));
  try {
    const path = join(directory, 'command');
    // A list to the end of the program, which some shells would put variables of their own into.
    writeFileSync(path, commandFile({ prefix: [], command: ['/usr/bin/env', '-0'], env: given, secrets }));
    const env = { PATH: '/usr/bin:/bin', LEFT: 'over' };
    const out = execFileSync(shell, ['-c', 'directory=$1; . "$1/command"', 'sh', directory], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    assert.equal(existsSync(path), Object.keys(secrets).length === 0, 'with secrets in it the file is gone');
    const entries = out.toString().split('\0').slice(0, -1);
    return Object.fromEntries(entries.map((entry) => entry.split(/=(.*)/s).slice(0, 2) as [string, string]));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

for (const shell of ['/bin/sh', '/bin/bash'].filter((path) => existsSync(path))) {
  test(`secrets join the environment as they are, and nothing else does (${shell})`, () => {
    const secrets = {
      A: 'it\'s\n$(id) `id` \\ "',
      B: '',
      EXPORTED: 'END\nEND_\nENDE',
      LONG: 'x'.repeat(100_000),
      TWO: `${'y\n'.repeat(30_000)}`,
    };
    const env = { 'with.dot': 'kept', A_B: '1' };
    assert.deepEqual(environmentOf(shell, secrets, env), { ...secrets, ...env });
    assert.deepEqual(environmentOf(shell, {}, env), env);
  });
}

test('no word of the command line holds a secret', () => {
  const text = commandFile({ prefix: ['setpriv', '--'], command: ['tool'], env: { A: '1' }, secrets: { B: 'hush' } });
  const [first, line = '', ...rest] = text.split('\n');
  assert.equal(first, 'rm -f "$directory/command"');
  assert.ok(line.startsWith("exec 'setpriv' '--' '/usr/bin/env' '-i' '/bin/sh' '-c'") && !line.includes('hush'));
  assert.deepEqual(rest, ["export B='hush'", 'END', '']);
});

test('a secret that no shell can export is refused by name', () => {
  const make = (): string => commandFile({ prefix: [], command: ['a'], env: {}, secrets: { 'with.dot': 'hush' } });
  assert.throws(
    make,
    (error: unknown) => error instanceof RangeError && error.message.startsWith('task.secrets.with.dot: ') && !/hush/.test(error.message),
  );
});

test('what no process can be started with is refused, and says why', () => {
  const refuse = (command: readonly string[], env: Record<string, string>, message: RegExp): void =>
    assert.throws(() => commandFile({ prefix: [], command, env, secrets: {} }), { name: 'RangeError', message });
  refuse(['a\0b'], {}, /NUL/);
  refuse(['a'], { B: '\0' }, /NUL/);
  refuse(['A=b'], {}, /can't hold '='/);
  refuse(['a', 'x'.repeat(131_072)], {}, /131072 bytes; at most 131071/);
  refuse(['a', ...Array.from({ length: 9 }, () => 'x'.repeat(131_000))], {}, /at most 1048576/);
});

test.run();
