/**
 * Writes requests to the leader: durable before the client hears of them, whether or not there is a leader. The leader removes a
 * request in the commit that has its effect.
 *
 * A request may be taken and gone before a lost answer is looked for: then its absence tells nothing, and sending it again would
 * give it its effect twice. So each transaction also moves a key of this node's own, which nobody deletes and by which it is found.
 */

import { requestKey, submissionKey } from '../engine/keys.ts';
import type { Request, RequestBody } from '../engine/records.ts';
import type { Revision } from '../store/port.ts';
import type { ApiDeps } from './deps.ts';
import { ApiError } from './errors.ts';
import { CATCH_UP_MS } from './guarded-writer.ts';
import { Mutex } from './mutex.ts';

export interface Submitted {
  readonly request: Request;
  readonly revision: Revision;
}

type RequestWriterDeps = Pick<ApiDeps, 'store' | 'replica' | 'clock' | 'ids' | 'nodeId'>;

/** Only another process with this node's id can be in the way, and only for a while. */
const CONFLICTS_TOLERATED = 20;

export class RequestWriter {
  readonly #deps: RequestWriterDeps;
  readonly #mutex = new Mutex();
  /** The revision of this node's submission key, while it is known. */
  #witness: Revision | undefined;

  constructor(deps: RequestWriterDeps) {
    this.#deps = deps;
  }

  async submit(body: RequestBody, by: string): Promise<Submitted> {
    const { replica, clock, ids } = this.#deps;
    const request: Request = { id: ids(), at: clock.now(), by, ...body };
    const revision = await this.#mutex.run(() => this.#write(request));
    await replica.waitFor(revision, CATCH_UP_MS);
    return { request, revision };
  }

  async #write(request: Request): Promise<Revision> {
    const { store, nodeId } = this.#deps;
    const witness = submissionKey(nodeId);
    const key = requestKey(request.id);
    for (let tries = 0; tries < CONFLICTS_TOLERATED; tries++) {
      const modRevision = this.#witness ?? (await store.get(witness))?.modRevision ?? 0n;
      this.#witness = undefined;
      const written = await store.transact({
        guards: [
          { key: witness, modRevision },
          { key, modRevision: 0n },
        ],
        writes: [
          { key: witness, value: JSON.stringify({ request: request.id, attempt: tries + 1 }) },
          { key, value: JSON.stringify(request) },
        ],
      });
      if (written.ok) {
        this.#witness = written.revision;
        return written.revision;
      }
    }
    throw new ApiError('edit-conflict', `another process writes as node ${nodeId}; try again`, { headers: { 'Retry-After': '1' } });
  }
}
