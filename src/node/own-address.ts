/**
 * What a node says of where it is reached. An address on loopback, or on all of a machine's addresses, means another machine wherever
 * it is read: so it goes with the name of the machine that it holds good on, and nodes elsewhere leave it alone.
 */

import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Candidate } from '../store/port.ts';
import { isLoopback } from './access.ts';

const EVERY_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

export type OwnAddress = Pick<Candidate, 'address' | 'loopbackOf'>;

/** `advertise`: what the configuration says, empty for nothing; then `bound`, what the API listens on, has to do. */
export function ownAddress(advertise: string, bound: { readonly host: string; readonly port: number }): OwnAddress {
  if (advertise !== '') return { address: advertise };
  const address = `${bound.host}:${bound.port}`;
  return isLoopback(bound.host) || EVERY_ADDRESS.has(bound.host) ? { address, loopbackOf: thisLoopback() } : { address };
}

/**
 * The boot and, as containers of one machine have each their own loopback, the network namespace (namespaces(7)). Where there is no
 * /proc to read them from, the name of the machine.
 */
function thisLoopback(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/net')}`;
  } catch {
    return hostname();
  }
}
