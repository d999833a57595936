/** The etcd store over TLS, to a server that wants to see a certificate. Needs openssl. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { openEtcdStore } from '../../../src/store/etcd/etcd-store.ts';
import { rejects } from '../../contract/store-steps.ts';
import { startEtcd } from '../../support/etcd.ts';

/** A CA of the test's own, and a certificate for 127.0.0.1 that serves both sides. */
function makeCertificates(dir: string) {
  const at = (name: string): string => join(dir, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'ignore' });
  const newKey = (name: string): string[] => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', at(name)];
  writeFileSync(at('san'), 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n');
  openssl('req', '-x509', ...newKey('ca.key'), '-out', at('ca.pem'), '-subj', '/CN=test-ca', '-days', '2');
  openssl('req', ...newKey('key.pem'), '-out', at('csr'), '-subj', '/CN=kairos');
  openssl(
    'x509',
    '-req',
    '-in',
    at('csr'),
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
    '-out',
    at('cert.pem'),
    '-days',
    '2',
    '-extfile',
    at('san'),
  );
  return { ca: at('ca.pem'), cert: at('cert.pem'), key: at('key.pem') };
}

test('with the right certificates it works, without them it is unavailable', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'kairos-tls-'));
  const files = makeCertificates(dir);
  const etcd = await startEtcd({ tls: files });
  const text = (path: string): string => readFileSync(path, 'utf8');
  const tls = { ca: text(files.ca), cert: text(files.cert), key: text(files.key) };
  const known = await openEtcdStore({ hosts: etcd.hosts, prefix: '/t', clock: systemClock, tls });
  const term = await known.campaign({ node: 'n', address: '' }, new AbortController().signal);
  await known.commit(term, [{ key: 'x', value: '1' }]);
  assert.equal((await known.get('x'))?.value, '1');
  const anonymous = await openEtcdStore({ hosts: etcd.hosts, prefix: '/t', clock: systemClock, tls: { ca: tls.ca } });
  await rejects(anonymous.get('x'), 'unavailable');
  const gullible = await openEtcdStore({ hosts: etcd.hosts, prefix: '/t', clock: systemClock, tls: { cert: tls.cert, key: tls.key } });
  await rejects(gullible.get('x'), 'unavailable');
  for (const store of [known, anonymous, gullible]) await store.close();
  await etcd.stop();
  rmSync(dir, { recursive: true });
});

test.run();
