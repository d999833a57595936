/**
 * Where a Mesos master's scheduler API is, from what an operator writes and from what a master that does not lead
 * answers. Addresses are kept as full URLs of the endpoint, so that a path in front of the API (a gateway) survives.
 */

export const DEFAULT_MASTER_PORT = 5050;
const SCHEDULER_PATH = '/api/v1/scheduler';

/** What a master may be written as, for messages about one that is not. */
export const MASTER_FORMS = "'host', 'host:port', 'http://host:port', 'https://host:port/path'";

/**
 * `leader.mesos`, `10.0.0.1:5050`, `https://gateway/mesos` -> the scheduler endpoint. Without a scheme: http, port 5050;
 * with one, a missing port is the scheme's own. Throws a TypeError that names the address.
 */
export function schedulerUrl(master: string): URL {
  const text = master.trim();
  const hasScheme = /^https?:\/\//i.test(text);
  if (!hasScheme && (text === '' || /[/\s@]/.test(text))) throw badMaster(master);
  const isPortGiven = /:[0-9]+$/.test(text);
  const full = hasScheme ? text : `http://${text}${isPortGiven ? '' : `:${DEFAULT_MASTER_PORT}`}`;
  if (!URL.canParse(full)) throw badMaster(master);
  const url = new URL(full);
  if (url.username !== '' || url.search !== '' || url.hash !== '') throw badMaster(master);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}${SCHEDULER_PATH}`;
  return url;
}

/**
 * Where a 307 points. Mesos sends `//host:port/master/api/v1/scheduler`, without a scheme: it is then that of the request.
 * `undefined`: nothing that can be followed.
 */
export function redirectTarget(location: string | undefined, from: URL): URL | undefined {
  if (location === undefined || !URL.canParse(location, from.href)) return undefined;
  const url = new URL(location, from);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  if (url.pathname === '/') url.pathname = SCHEDULER_PATH;
  return url;
}

function badMaster(master: string): TypeError {
  return new TypeError(`masters: '${master}' is not the address of a Mesos master; allowed are ${MASTER_FORMS}`);
}
