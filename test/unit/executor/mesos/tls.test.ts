/** https towards masters: a CA of one's own, and a client certificate. Certificates are made by openssl, for this file only. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { systemClock } from '../../../../src/clock/system-clock.ts';
import { staticMasters } from '../../../../src/executor/mesos/master-detector.ts';
import { MesosExecutor } from '../../../../src/executor/mesos/mesos-executor.ts';
import type { TlsOptions } from '../../../../src/executor/mesos/transport.ts';
import type { ExecutorEvent } from '../../../../src/executor/port.ts';
import { silentLogger } from '../../../../src/telemetry/logger.ts';
import { ScriptedMaster, until } from './scripted-master.ts';

const dir = mkdtempSync(join(tmpdir(), 'kairos-tls-'));
const path = (name: string): string => join(dir, name);
const pem = (name: string): string => readFileSync(path(name), 'utf8');

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'ignore', cwd: dir });
}

function makeCertificate(name: string): void {
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
  writeFileSync(path(`${name}.ext`), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  const issuer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '1', '-extfile', `${name}.ext`];
  openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, ...issuer);
}

test.before(() => {
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '1', '-subj', '/CN=ca');
  makeCertificate('master');
  makeCertificate('framework');
});

test.after(() => rmSync(dir, { recursive: true }));

async function firstEvent(tls: TlsOptions | undefined): Promise<ExecutorEvent> {
  const server = { key: pem('master.key'), cert: pem('master.pem'), ca: pem('ca.pem'), requestCert: true, rejectUnauthorized: true };
  const master = await ScriptedMaster.start(server);
  const options = { clock: systemClock, logger: silentLogger, detector: staticMasters([`https://${master.address}`]) };
  const executor = new MesosExecutor({ ...options, ...(tls === undefined ? {} : { tls }) });
  const events: ExecutorEvent[] = [];
  try {
    executor.start({ identity: undefined, emit: (event) => events.push(event) });
    await until('an event', () => events.length > 0);
    return events[0]!;
  } finally {
    await executor.stop();
    await master.close();
  }
}

test('with its CA and our certificate the master is reached', async () => {
  const event = await firstEvent({ ca: pem('ca.pem'), cert: pem('framework.pem'), key: pem('framework.key') });
  assert.equal(event.type, 'connected');
});

test('a master whose certificate nobody vouches for is not talked to', async () => {
  const event = await firstEvent(undefined);
  assert.ok(event.type === 'disconnected' && /certificate|self-signed/i.test(event.reason), JSON.stringify(event));
});

test('without our certificate the master refuses', async () => {
  const event = await firstEvent({ ca: pem('ca.pem') });
  assert.equal(event.type, 'disconnected');
});

test.run();
