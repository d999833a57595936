/** How the framework proves who it is, as a port. The secret goes into the header and nowhere else: never into a log line. */

export interface Authenticator {
  /** The value of the `Authorization` header; `undefined`: none is sent. Rejects when it can't be had now. */
  authorization(): Promise<string | undefined>;
  /** The master refused the last value (401): what was kept is stale. */
  forget(): void;
}

export const anonymous: Authenticator = {
  authorization: () => Promise.resolve(undefined),
  forget: () => {},
};

/** RFC 7617. Mesos knows the scheme only as `Basic`, with this capital. */
export function basicCredentials(principal: string, secret: string): Authenticator {
  if (principal.includes(':')) throw new TypeError(`principal: '${principal}' must not hold a colon`);
  const header = `Basic ${Buffer.from(`${principal}:${secret}`, 'utf8').toString('base64')}`;
  return { authorization: () => Promise.resolve(header), forget: () => {} };
}
