/** Gets images, each once however many tasks wait for it, and tells an image that does not exist from a registry that is down. */

import type { Readable } from 'node:stream';

import { jsonLines } from './json-lines.ts';
import { EngineError } from './engine-api.ts';
import type { EngineApi } from './engine-api.ts';

export type PullResult =
  | { readonly type: 'pulled' }
  /** There is no such image, or its name can't be: no other try will do better. */
  | { readonly type: 'missing'; readonly message: string }
  | { readonly type: 'failed'; readonly message: string };

export interface WantedImage {
  readonly name: string;
  /** `X-Registry-Auth`; absent: anonymous. */
  readonly auth?: string;
}

export class ImagePull {
  readonly #api: EngineApi;
  readonly #underWay = new Map<string, Promise<PullResult>>();

  constructor(api: EngineApi) {
    this.#api = api;
  }

  /** `signal` ends the pull for all who wait for it. */
  pull(image: WantedImage, signal: AbortSignal): Promise<PullResult> {
    // One with other credentials is another pull.
    const key = JSON.stringify([image.name, image.auth ?? '']);
    let pull = this.#underWay.get(key);
    if (pull === undefined) {
      pull = this.#pull(image, signal).finally(() => this.#underWay.delete(key));
      this.#underWay.set(key, pull);
    }
    return pull;
  }

  async #pull(image: WantedImage, signal: AbortSignal): Promise<PullResult> {
    try {
      const { name, tag } = parseImage(image.name);
      const headers = image.auth === undefined ? {} : { headers: { 'x-registry-auth': image.auth } };
      const query = { fromImage: name, tag };
      return await outcome(await this.#api.stream({ method: 'POST', path: '/images/create', query, signal, ...headers }));
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      return failed(error.message, error.status === 404 || error.status === 400);
    }
  }
}

/** Once the answer has begun with success, an error comes as one of the lines that tell the progress. */
async function outcome(body: Readable): Promise<PullResult> {
  let failure: string | undefined;
  for await (const line of jsonLines(body)) {
    if (typeof line['error'] === 'string') failure = line['error'];
  }
  return failure === undefined ? { type: 'pulled' } : failed(failure);
}

/** What a registry says of an image that it does not have; the Engine passes it on with the status 404 or 500, as it happens. */
const NO_SUCH_IMAGE = /manifest unknown|name unknown|manifest for .* not found|repository does not exist/i;

function failed(message: string, isMissing = false): PullResult {
  return { type: isMissing || NO_SUCH_IMAGE.test(message) ? 'missing' : 'failed', message };
}

/** `[registry[:port]/]name[:tag][@digest]`. Without a tag the daemon would pull all there are. */
export function parseImage(image: string): { readonly name: string; readonly tag: string } {
  const [named = '', digest] = image.split('@');
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const name = colon < 0 ? named : named.slice(0, colon);
  return { name, tag: digest ?? (colon < 0 ? 'latest' : named.slice(colon + 1)) };
}
