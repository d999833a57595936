/** The first run, as a stranger has it: the command is started, tells what happens, is stopped, and goes on where it was. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import { until } from '../support/until.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

interface Quickstart {
  readonly lines: string[];
  /** Waits for a line that matches. */
  says(pattern: RegExp, limitMs?: number): Promise<void>;
  /** Ctrl-C; resolves with the exit code. */
  interrupt(): Promise<number | null>;
}

function quickstart(directory: string): Quickstart {
  const args = ['--import', 'tsx', main, 'quickstart', '--directory', directory, '--port', '0', '--executor', 'process'];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream as NodeJS.ReadableStream }).on('line', (line) => lines.push(line));
  }
  return {
    lines,
    says: (pattern, limitMs = 30_000) =>
      until(() => lines.some((line) => pattern.test(line)), { limitMs, what: () => `${pattern} in:\n${lines.join('\n')}` }),
    async interrupt() {
      const gone = once(child, 'exit');
      child.kill('SIGINT');
      await gone;
      return child.exitCode;
    },
  };
}

test('the first run shows the example graph live, stops cleanly, and a second run goes on where it was', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'kairos-quickstart-'));
  try {
    const first = quickstart(directory);
    await first.says(/runs at http:\/\/127\.0\.0\.1:\d+/);
    await first.says(/5 example jobs created, 0 were there/);
    await first.says(/example\.report#1 +✔ succeeded/);
    await first.says(/example\.flaky\.1\.2 +↻ failed, will be retried/);
    await first.says(/example\.flaky#1 +✔ succeeded/);
    assert.equal(await first.interrupt(), 0);
    assert.ok(first.lines.filter((line) => /example\.report\.1\.1 +▶/.test(line)).length === 1);

    const second = quickstart(directory);
    await second.says(/0 example jobs created, 5 were there/);
    await second.says(/example\.extract#\d+ +✔ succeeded/);
    assert.equal(await second.interrupt(), 0);
    assert.ok(!second.lines.some((line) => /example\.extract\.1\.1 +▶/.test(line)), 'the first run is not repeated');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test.run();
