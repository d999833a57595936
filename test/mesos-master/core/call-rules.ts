/** What makes a converted call a 400 before anything else is looked at, with Mesos's texts. */

import type { Call } from '../wire/call.ts';

const UUID_BYTES = 16;

const BODIES = {
  ACCEPT: 'accept',
  DECLINE: 'decline',
  ACCEPT_INVERSE_OFFERS: 'accept_inverse_offers',
  DECLINE_INVERSE_OFFERS: 'decline_inverse_offers',
  KILL: 'kill',
  ACKNOWLEDGE: 'acknowledge',
  RECONCILE: 'reconcile',
  SHUTDOWN: 'shutdown',
  MESSAGE: 'message',
  UPDATE_FRAMEWORK: 'update_framework',
} as const;

/** `principal` is the authenticated one. */
export function callError(call: Partial<Call>, principal: string | undefined): string | undefined {
  if (call.type === undefined) return "Expecting 'type' to be present";
  if (call.type === 'SUBSCRIBE') return subscribeError(call, principal);
  if (call.framework_id === undefined) return "Expecting 'framework_id' to be present";
  const body = (BODIES as Partial<Record<string, keyof Call>>)[call.type];
  if (body !== undefined && call[body] === undefined) return `Expecting '${body}' to be present`;
  const uuid = call.acknowledge?.uuid;
  if (call.type === 'ACKNOWLEDGE' && uuid !== undefined && Buffer.from(uuid, 'base64').length !== UUID_BYTES) return 'Not a valid UUID';
  return undefined;
}

function subscribeError(call: Partial<Call>, principal: string | undefined): string | undefined {
  if (call.subscribe === undefined) return "Expecting 'subscribe' to be present";
  const info = call.subscribe.framework_info;
  if (info.id?.value !== call.framework_id?.value) return "'framework_id' differs from 'subscribe.framework_info.id'";
  return principalError(principal, info.principal);
}

export function principalError(authenticated: string | undefined, set: string | undefined): string | undefined {
  if (authenticated === undefined || set === undefined || authenticated === set) return undefined;
  return `Authenticated principal '${authenticated}' does not match principal '${set}' set in \`FrameworkInfo\``;
}
