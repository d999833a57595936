/** Basic authentication as Mesos does it: the scheme is case-sensitive, and a wrong one is like none. */

import { answer, type Exchange } from './exchange.ts';

/** Principal to secret; undefined: everybody may. */
export type Credentials = Readonly<Record<string, string>> | undefined;

export type Authentication = { readonly allowed: true; readonly principal: string | undefined } | { readonly allowed: false };

export function authenticate(exchange: Exchange, credentials: Credentials): Authentication {
  if (credentials === undefined) return { allowed: true, principal: undefined };
  const header = exchange.request.headers.authorization ?? '';
  const encoded = /^Basic (.+)$/.exec(header)?.[1];
  if (encoded === undefined) return { allowed: false };
  const [principal = '', ...secret] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  if (!Object.hasOwn(credentials, principal) || credentials[principal] !== secret.join(':')) return { allowed: false };
  return { allowed: true, principal };
}

export function answerUnauthorized(exchange: Exchange, realm: string): void {
  const headers = { 'WWW-Authenticate': `Basic realm="${realm}"`, 'Content-Type': 'text/plain; charset=utf-8' };
  answer(exchange, { status: 401, headers, body: '401 Unauthorized.' });
}
