/** Which store adapter the configuration asks for. One of the few places that name an adapter. */

import { readFileSync } from 'node:fs';
import type { Clock } from '../clock/clock.ts';
import type { Store } from '../store/port.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Config } from './config/schema.ts';

export async function openStore(config: Config['store'], clock: Clock, logger: Logger): Promise<Store> {
  if (config.kind === 'embedded') {
    const { openEmbeddedStore } = await import('../store/embedded/embedded-store.ts');
    return openEmbeddedStore({ directory: config.embedded.directory, clock });
  }
  // etcd3 costs 190 ms to load: only where it is used.
  const { openEtcdStore } = await import('../store/etcd/etcd-store.ts');
  const { hosts, prefix, leaseTtlMs, maxTxnOps, tls } = config.etcd;
  const files = readTls(tls);
  return openEtcdStore({ hosts, prefix, leaseTtlMs, maxTxnOps, ...(files ? { tls: files } : {}), clock, logger });
}

export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** The content of the PEM files named; undefined when none is. */
export function readTls(paths: { ca: string; cert: string; key: string }): TlsFiles | undefined {
  const files: { ca?: string; cert?: string; key?: string } = {};
  for (const part of ['ca', 'cert', 'key'] as const) if (paths[part] !== '') files[part] = readFileSync(paths[part], 'utf8');
  return Object.keys(files).length > 0 ? files : undefined;
}
