import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import { systemClock } from '../../../src/clock/system-clock.ts';
import type { ExecutorIdentity } from '../../../src/engine/records.ts';
import { loadConfig } from '../../../src/node/config/load-config.ts';
import { openExecutor } from '../../../src/node/open-executor.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';

const test = suite('opening the executor');

/** The kind that a node takes where no Docker Engine answers. */
async function kindWith(kind: string, stored: ExecutorIdentity | undefined): Promise<string> {
  const flags = [`executor.kind=${kind}`, `executor.docker.socket=${join(tmpdir(), 'kairos-no-such.sock')}`];
  const { executor } = loadConfig({ flags });
  return (await openExecutor(executor, { clock: systemClock, logger: silentLogger, stored: () => stored })).kind;
}

test('auto stays what it was with the store: its tasks are out of reach of any other kind', async () => {
  assert.equal(await kindWith('auto', undefined), 'process');
  assert.equal(await kindWith('auto', { kind: 'docker', identity: 'd' }), 'docker');
  assert.equal(await kindWith('auto', { kind: 'process', identity: 'p', others: { docker: 'd' } }), 'process');
});

test('a kind that is named is taken, whatever was before', async () => {
  assert.equal(await kindWith('process', { kind: 'docker', identity: 'd' }), 'process');
});

test.run();
