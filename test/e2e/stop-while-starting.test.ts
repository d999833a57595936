import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** Starts the command on a store that takes connections and never answers, tells it to stop once it has tried, and returns its exit code. */
async function stopWhileStarting(command: string, signal: NodeJS.Signals): Promise<number | null> {
  const store = createServer().listen(0, '127.0.0.1');
  await once(store, 'listening');
  const { port } = store.address() as AddressInfo;
  const settings = ['api.port=0', 'store.kind=etcd', `store.etcd.hosts=["http://127.0.0.1:${port}"]`];
  const flags = settings.flatMap((setting) => ['--set', setting]);
  const child = spawn(process.execPath, ['--import', 'tsx', main, command, ...flags], { stdio: 'ignore' });
  const gone = once(child, 'exit');
  const [socket] = await once(store, 'connection');
  child.kill(signal);
  await gone;
  socket.destroy();
  store.close();
  return child.exitCode;
}

test('a node that waits for its store ends when it is told to', async () => {
  assert.equal(await stopWhileStarting('node', 'SIGTERM'), 0);
});

test('so does the quickstart, at the first Ctrl-C', async () => {
  assert.equal(await stopWhileStarting('quickstart', 'SIGINT'), 0);
});

test.run();
