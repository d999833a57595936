import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { parse } from 'yaml';
import { environmentName, leafPaths, loadConfig } from '../../../../src/node/config/load-config.ts';
import { configSchema } from '../../../../src/node/config/schema.ts';

const defaultFile = new URL('../../../../config/default.yaml', import.meta.url);

function withFile(content: string, use: (file: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'kairos-config-'));
  const file = join(directory, 'kairos.yaml');
  writeFileSync(file, content);
  try {
    use(file);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('config/default.yaml shows every key with its default', () => {
  assert.deepEqual(parse(readFileSync(defaultFile, 'utf8')), loadConfig({}));
});

test('every key of config/default.yaml is explained above it', () => {
  const lines = readFileSync(defaultFile, 'utf8').split('\n');
  const names = new Set(leafPaths(configSchema).map((path) => path.split('.').at(-1)));
  for (const [index, line] of lines.entries()) {
    const name = /^ *([a-zA-Z]+):/.exec(line)?.[1];
    if (name === undefined || !names.has(name) || line.endsWith(':')) continue;
    const isExplained = /^ *#/.test(lines[index - 1] ?? '') || /tls:|cert|ca/.test(lines[index - 1] ?? '');
    assert.ok(isExplained, `line ${index + 1}: ${line}`);
  }
});

test('the environment stands above the file, and flags above both', () => {
  withFile('api: {port: 1111}\nlog: {level: debug}\nstore: {etcd: {leaseTtlMs: 9000}}\n', (file) => {
    const env = { KAIROS_API_PORT: '2222', KAIROS_STORE_ETCD_LEASE_TTL_MS: '7000', KAIROS_STORE_ETCD_PREFIX: '1' };
    const config = loadConfig({ file, env, flags: ['api.port=3333'] });
    assert.equal(config.api.port, 3333);
    assert.equal(config.log.level, 'debug');
    assert.equal(config.store.etcd.leaseTtlMs, 7000);
    assert.equal(config.store.etcd.prefix, '1', 'text stays text');
  });
});

test('lists and maps can be given in the environment', () => {
  const config = loadConfig({ env: { KAIROS_STORE_ETCD_HOSTS: '[http://a:1, http://b:2]', KAIROS_EXECUTOR_ATTRIBUTES: '{rack: r1}' } });
  assert.deepEqual(config.store.etcd.hosts, ['http://a:1', 'http://b:2']);
  assert.deepEqual(config.executor.attributes, { rack: 'r1' });
});

test('names in the environment are paths in capitals', () => {
  assert.equal(environmentName('store.etcd.leaseTtlMs'), 'KAIROS_STORE_ETCD_LEASE_TTL_MS');
});

const refused: readonly (readonly [string, RegExp])[] = [
  ['api: {prot: 1}', /api\.prot: there is no such key; did you mean api\.port\?/],
  ['api: {port: 99999}', /api\.port: /],
  ['store: {kind: redis}', /store\.kind: /],
  ['- a', /expected keys and values/],
  ['api: {port: [', /kairos\.yaml: /],
];

for (const [content, message] of refused) {
  test(`refused, with the key named: ${content}`, () => {
    withFile(content, (file) => assert.throws(() => loadConfig({ file }), message));
  });
}

test('a flag that names no key is refused with the nearest', () => {
  assert.throws(() => loadConfig({ flags: ['api.prt=1'] }), /did you mean api\.port/);
  assert.throws(() => loadConfig({ flags: ['api.port'] }), /path=value/);
});

test('a file that is not there is refused by name', () => {
  assert.throws(() => loadConfig({ file: '/nonexistent/kairos.yaml' }), /\/nonexistent\/kairos\.yaml/);
});

test.run();
