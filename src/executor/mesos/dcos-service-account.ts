/**
 * Logging in to DC/OS with a service account: a short-lived JWT, signed with the account's private key, is exchanged at the
 * login endpoint for a token, which then goes with every request as `Authorization: token=…`. A token is used until a master
 * refuses it (401); then the next request logs in again.
 */

import { createSign } from 'node:crypto';
import { Agent, request } from 'undici';
import type { Clock } from '../../clock/clock.ts';
import type { Authenticator } from './authenticator.ts';
import { connectOptions, type TlsOptions } from './transport.ts';

export const LOGIN_TIMEOUT_MS = 10_000;
/** How long the signed request to log in is good for; clocks may differ a little. */
const LOGIN_VALID_MS = 300_000;

/** As DC/OS hands it out: the JSON of the account's secret. */
export interface ServiceAccount {
  readonly uid: string;
  /** PEM. */
  readonly private_key: string;
  readonly login_endpoint: string;
}

export interface ServiceAccountOptions {
  readonly account: ServiceAccount;
  readonly clock: Clock;
  readonly tls?: TlsOptions;
}

/** Reads the secret's JSON. Throws a TypeError that names the field, never its value. */
export function parseServiceAccount(text: string): ServiceAccount {
  const parsed: unknown = parseJson(text);
  const fields =
    typeof parsed === 'object' && parsed !== null ? new Map<string, unknown>(Object.entries(parsed)) : new Map<string, unknown>();
  const read = (name: keyof ServiceAccount): string => {
    const value = fields.get(name);
    if (typeof value !== 'string' || value === '') throw new TypeError(`service account: '${name}' must be a text that is not empty`);
    return value;
  };
  const account = { uid: read('uid'), private_key: read('private_key'), login_endpoint: read('login_endpoint') };
  if (!/^https?:\/\//.test(account.login_endpoint) || !URL.canParse(account.login_endpoint)) {
    throw new TypeError("service account: 'login_endpoint' must be a URL");
  }
  return account;
}

export function serviceAccount(options: ServiceAccountOptions): Authenticator {
  let token: Promise<string> | undefined;
  return {
    // One login for all requests that wait for it; a failed one is not kept.
    authorization: async () => {
      token ??= login(options);
      try {
        return `token=${await token}`;
      } catch (error) {
        token = undefined;
        throw error;
      }
    },
    forget: () => {
      token = undefined;
    },
  };
}

async function login({ account, clock, tls }: ServiceAccountOptions): Promise<string> {
  const dispatcher = new Agent({ connect: connectOptions(tls), headersTimeout: LOGIN_TIMEOUT_MS, bodyTimeout: LOGIN_TIMEOUT_MS });
  try {
    const { statusCode, body } = await request(account.login_endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ uid: account.uid, token: signedLogin(account, clock.now()) }),
      dispatcher,
    });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`DC/OS refuses the login of service account '${account.uid}' (${statusCode})`);
    return tokenOf(text);
  } finally {
    await dispatcher.close();
  }
}

/** RFC 7519, RS256. */
function signedLogin(account: ServiceAccount, now: number): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const exp = Math.floor((now + LOGIN_VALID_MS) / 1000);
  const signed = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode({ uid: account.uid, exp })}`;
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(account.private_key, 'base64url')}`;
}

function tokenOf(text: string): string {
  const parsed: unknown = parseJson(text);
  if (typeof parsed === 'object' && parsed !== null && 'token' in parsed && typeof parsed.token === 'string') return parsed.token;
  throw new Error('DC/OS answered the login without a token');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What it holds may be secret: the parser's message would quote it.
    return undefined;
  }
}
