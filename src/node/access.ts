/** Who may reach the API: this machine only, unless a token is asked for. */

import { readFileSync } from 'node:fs';
import type { Config } from './config/schema.ts';
import { ConfigError } from './config/load-config.ts';

const SHORTEST_TOKEN = 16;

/** The token every request must carry; undefined: none is configured. */
export function readToken({ tokenFile }: Config['api']): string | undefined {
  if (tokenFile === '') return undefined;
  const token = readFileSync(tokenFile, 'utf8').trim();
  if (token.length < SHORTEST_TOKEN) {
    throw new ConfigError(`api.tokenFile: the token in ${tokenFile} must have at least ${SHORTEST_TOKEN} characters`);
  }
  return token;
}

/** Whoever reaches the API can run commands on the cluster, so it is not opened to a network without a token. */
export function checkExposure({ host }: Config['api'], token: string | undefined): void {
  if (token !== undefined || isLoopback(host)) return;
  throw new ConfigError(`api.host: ${host} can be reached from other machines; set api.tokenFile, or listen on 127.0.0.1`);
}

/** Whether only this machine reaches it. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
