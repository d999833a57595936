/**
 * What became of requests, kept for those who asked: written in the step that takes the request, so that no request is gone without a
 * word. The newest KEPT_RESULTS of them are kept.
 */

import { requestKey, resultKey } from './keys.ts';
import { KEPT_RESULTS } from './limits.ts';
import type { Refusal, Request, RequestResult } from './records.ts';
import type { World } from './world.ts';

/** `run`: the one that it made. */
export type Effect = { readonly done: string; readonly run?: number } | { readonly refused: Refusal };

/** Takes the request off the store and says what became of it. Part of the open step, in which it had its effect. */
export function recordResult(world: World, request: Request, effect: Effect): void {
  const { id, type, job } = request;
  const result = 'done' in effect ? effect.done : effect.refused;
  world.recorder.put(requestKey(id), undefined);
  world.recorder.put(resultKey(id), resultOf(world, request, effect));
  world.results.push(id);
  const oldest = world.results.length > KEPT_RESULTS ? world.results.shift() : undefined;
  if (oldest !== undefined) world.recorder.put(resultKey(oldest), undefined);
  world.recorder.fact({ type: 'request-taken', id, request: type, job, result });
}

function resultOf(world: World, request: Request, effect: Effect): RequestResult {
  const common = { request: withoutEnvironment(request), takenAt: world.now };
  if ('refused' in effect) return { ...common, refusal: effect.refused };
  return effect.run === undefined ? common : { ...common, run: effect.run };
}

/** It may be long, and hold what is not to be kept. */
function withoutEnvironment(request: Request): Request {
  if (request.type !== 'run') return request;
  const { env: _env, ...rest } = request;
  return rest;
}
