/**
 * What an answer or an ERROR of a master means for the subscription. Mesos tells some of these apart only by their text, so
 * this is the one place that reads it.
 *
 *   redirected     another master leads
 *   retry          not now: try again soon, through any master
 *   misconfigured  the same again would fail the same way: try again slowly, and say what a person must change
 *   final          the framework id is no longer ours to use: never tried again by this process
 */

import { redirectTarget } from './master-address.ts';
import type { Answer } from './transport.ts';

export type SubscriptionEnd =
  | { readonly kind: 'redirected'; readonly to: URL }
  | { readonly kind: 'retry' | 'misconfigured' | 'final'; readonly reason: string };

export const FRAMEWORK_REMOVED =
  'Mesos has removed this framework: its failover timeout passed or someone tore it down, and its tasks were killed. ' +
  'Kairos does not become a new framework by itself; see docs/mesos.md, "A removed framework"';
export const FAILED_OVER = 'another scheduler has subscribed with this framework id and is in charge now';

/** Enough of an answer to understand it; a gateway may send a whole page. */
const MAX_TOLD_CHARS = 500;

/** SUBSCRIBE was answered with something else than a stream. */
export function judgeRefusal(answer: Answer, from: URL): SubscriptionEnd {
  const told = answer.text === '' ? '' : `: ${answer.text.slice(0, MAX_TOLD_CHARS)}`;
  switch (answer.status) {
    case 307: {
      const to = redirectTarget(answer.location, from);
      if (to !== undefined) return { kind: 'redirected', to };
      return { kind: 'retry', reason: `${from.host} points to no usable leader ('${answer.location ?? ''}')` };
    }
    case 401:
      return {
        kind: 'misconfigured',
        reason: `${from.host} does not accept the framework's credentials (401); check principal and secret`,
      };
    case 403:
      return { kind: 'misconfigured', reason: `${from.host} forbids this framework to subscribe (403${told})` };
    // A master that starts has no routes yet (404), then no registry (503); without a leader every master says 503.
    case 404:
      return { kind: 'retry', reason: `${from.host} does not serve the scheduler API yet (404)` };
    default:
      if (answer.status >= 500) return { kind: 'retry', reason: `${from.host} is not ready (${answer.status}${told})` };
      return { kind: 'misconfigured', reason: `${from.host} refuses the subscription (${answer.status}${told})` };
  }
}

/** An ERROR event. The stream ends after it, whatever it says. */
export function judgeError(message: string): SubscriptionEnd {
  if (message.includes('Framework has been removed')) return { kind: 'final', reason: FRAMEWORK_REMOVED };
  if (message.includes('Framework failed over')) return { kind: 'final', reason: FAILED_OVER };
  return { kind: 'misconfigured', reason: `Mesos refuses the framework: ${message}` };
}

export type CallVerdict =
  | { readonly kind: 'accepted' }
  /** This call alone is not acceptable; the subscription stands. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'ended'; readonly end: SubscriptionEnd };

/** The answer to any call but SUBSCRIBE. 202 says only that it was understood. */
export function judgeCall(type: string, answer: Answer): CallVerdict {
  if (answer.status >= 200 && answer.status < 300) return { kind: 'accepted' };
  const told = `${answer.status}${answer.text === '' ? '' : `: ${answer.text.slice(0, MAX_TOLD_CHARS)}`}`;
  if (answer.status === 400) {
    if (/didn't match the stream ID/.test(answer.text)) return { kind: 'ended', end: { kind: 'final', reason: FAILED_OVER } };
    if (/Framework cannot be found|All non-subscribe calls/.test(answer.text))
      return ended('retry', `the master does not know us any more (${told})`);
    return { kind: 'refused', reason: told };
  }
  if (answer.status === 401)
    return ended('misconfigured', `the master does not accept the framework's credentials (401); check principal and secret`);
  if (answer.status === 413 || answer.status === 415) return { kind: 'refused', reason: told };
  // 403 'Framework is not subscribed': our stream is dead, though we have not seen its end. 307, 404, 503: no leader any more.
  return ended('retry', `the answer to ${type} was ${told}`);
}

function ended(kind: 'retry' | 'misconfigured', reason: string): CallVerdict {
  return { kind: 'ended', end: { kind, reason } };
}
