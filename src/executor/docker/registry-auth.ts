/** Credentials for an image's registry, out of a Docker `config.json`, as the Engine API wants them. Pure. */

/** What Docker Hub goes by in a `config.json`. */
const HUB = ['https://index.docker.io/v1/', 'index.docker.io', 'docker.io'];

interface Entry {
  /** `user:password` in base64. */
  readonly auth?: unknown;
  readonly username?: unknown;
  readonly password?: unknown;
  readonly identitytoken?: unknown;
}

/** The value of `X-Registry-Auth`. Throws RangeError, which never holds a credential, when there is none for the image's registry. */
export function registryAuth(config: string, image: string): string {
  const host = registryOf(image);
  const names = host === undefined ? HUB : [host, `https://${host}`, `http://${host}`];
  const auths = authsIn(config);
  const name = names.find((one) => Object.hasOwn(auths, one));
  if (name === undefined) throw new RangeError(`pullSecret: has no credentials for ${host ?? 'Docker Hub'}`);
  const credentials = credentialsOf(auths[name] ?? {});
  if (credentials === undefined) throw new RangeError(`pullSecret: the credentials for ${name} are not usable`);
  const base64 = Buffer.from(JSON.stringify({ ...credentials, serveraddress: name })).toString('base64');
  // base64url with its padding: without it the Engine takes the header for none at all.
  return base64.replaceAll('+', '-').replaceAll('/', '_');
}

/** `undefined`: Docker Hub. As Docker tells them apart: a host has a dot or a port, or is localhost. */
function registryOf(image: string): string | undefined {
  const slash = image.indexOf('/');
  const first = slash < 0 ? '' : image.slice(0, slash);
  return first.includes('.') || first.includes(':') || first === 'localhost' ? (first === 'docker.io' ? undefined : first) : undefined;
}

function authsIn(config: string): Readonly<Record<string, Entry>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(config);
  } catch {
    // Without its cause: the message of a parser quotes what it could not read.
    throw new RangeError('pullSecret: is not JSON; it must be a Docker config.json');
  }
  const auths = typeof parsed === 'object' && parsed !== null && 'auths' in parsed ? parsed.auths : undefined;
  if (typeof auths !== 'object' || auths === null) throw new RangeError('pullSecret: has no auths; it must be a Docker config.json');
  return auths as Record<string, Entry>;
}

function credentialsOf({ auth, username, password, identitytoken }: Entry): Record<string, string> | undefined {
  if (typeof identitytoken === 'string') return { identitytoken };
  if (typeof username === 'string' && typeof password === 'string') return { username, password };
  if (typeof auth !== 'string') return undefined;
  const text = Buffer.from(auth, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 1 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
