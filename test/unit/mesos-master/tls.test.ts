/** The stand-in over https, with and without client certificates. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import assert from 'node:assert/strict';
import { withRig } from './rig.ts';

function makeCertificate(): { readonly key: string; readonly cert: string } {
  const dir = mkdtempSync(join(tmpdir(), 'stand-in-tls-'));
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
      '-keyout',
      key,
      '-out',
      cert,
      ...subject,
    ],
    {
      stdio: 'ignore',
    },
  );
  const files = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  rmSync(dir, { recursive: true });
  return files;
}

function statusOf(url: string, options: object): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = get(url, { ...options, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('error', reject);
  });
}

const files = makeCertificate();

test(
  'masters and agents answer over https',
  withRig({ tls: files }, async ({ master }) => {
    assert.match(master.url, /^https:/);
    assert.equal(await statusOf(`${master.url}/health`, { ca: files.cert }), 200);
    assert.equal(await statusOf(`${master.agents[0]?.url}/health`, { ca: files.cert }), 200);
    await assert.rejects(statusOf(`${master.url}/health`, {}), /self-signed/);
  }),
);

test(
  'a client without a certificate is turned away when one is asked for',
  withRig({ tls: { ...files, ca: files.cert } }, async ({ master }) => {
    await assert.rejects(statusOf(`${master.url}/health`, { ca: files.cert }));
    assert.equal(await statusOf(`${master.url}/health`, { ca: files.cert, key: files.key, cert: files.cert }), 200);
  }),
);

test.run();
