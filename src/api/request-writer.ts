/**
 * Writes requests to the leader: durable before the client hears of them, whether or not there is a leader. The leader removes a
 * request in the commit that has its effect.
 */

import { requestKey } from '../engine/keys.ts';
import type { Request, RequestBody } from '../engine/records.ts';
import type { Revision } from '../store/port.ts';
import type { ApiDeps } from './deps.ts';
import { CATCH_UP_MS } from './guarded-writer.ts';

export interface Submitted {
  readonly request: Request;
  readonly revision: Revision;
}

export async function submitRequest(
  { store, replica, clock, ids }: Pick<ApiDeps, 'store' | 'replica' | 'clock' | 'ids'>,
  body: RequestBody,
  by: string,
): Promise<Submitted> {
  const request: Request = { id: ids(), at: clock.now(), by, ...body };
  const key = requestKey(request.id);
  const written = await store.transact({ guards: [{ key, modRevision: 0n }], writes: [{ key, value: JSON.stringify(request) }] });
  if (!written.ok) throw new Error(`the id ${request.id} was given out twice`);
  await replica.waitFor(written.revision, CATCH_UP_MS);
  return { request, revision: written.revision };
}
