/** Asks whether a Docker Engine answers on a socket: for `executor.kind: auto`. */

import { Agent, request } from 'undici';

const PROBE_TIMEOUT_MS = 2_000;

export async function answersAsDocker(socketPath: string): Promise<boolean> {
  const dispatcher = new Agent({ connect: { socketPath, timeout: PROBE_TIMEOUT_MS } });
  try {
    const { statusCode, body } = await request('http://docker/_ping', {
      dispatcher,
      headersTimeout: PROBE_TIMEOUT_MS,
      bodyTimeout: PROBE_TIMEOUT_MS,
    });
    return statusCode === 200 && (await body.text()) === 'OK';
  } catch {
    // No socket, no daemon, no permission: whatever it is, there is no engine for us here.
    return false;
  } finally {
    await dispatcher.destroy();
  }
}
