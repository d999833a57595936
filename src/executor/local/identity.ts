/**
 * Whose tasks are whose. Task ids are unique within one store only: a second installation on the same machine has a `job.1.1` too,
 * and so has a store that was begun anew. So each store has an identity, made at random once, and all that a host keeps of a task
 * carries it. It goes the way of a Mesos framework id: said with `connected`, durable before anything is launched under it.
 *
 * Versions before this one had none, and told their agent's id in its place. A store that holds such a one gets an identity that
 * also has what carries none.
 */

import { randomBytes } from 'node:crypto';

export interface Identity {
  /** Goes into labels, names and paths. */
  readonly id: string;
  /** What carries no identity is its own as well. */
  readonly hasUnlabelled: boolean;
}

const BYTES = 8;
const UNLABELLED = '+unlabelled';
const FORM = /^([0-9a-f]{16})(\+unlabelled)?$/;

/** `undefined`: there is none, or none of this form. */
export function readIdentity(text: string | undefined): Identity | undefined {
  const [, id, unlabelled] = FORM.exec(text ?? '') ?? [];
  return id === undefined ? undefined : { id, hasUnlabelled: unlabelled !== undefined };
}

/** What is stored, or a new one. */
export function identityFor(stored: string | undefined): Identity {
  return readIdentity(stored) ?? { id: randomBytes(BYTES).toString('hex'), hasUnlabelled: stored !== undefined };
}

export function identityText({ id, hasUnlabelled }: Identity): string {
  return hasUnlabelled ? `${id}${UNLABELLED}` : id;
}

/** Whether it has the form of an id: for those of others. */
export function isIdentityId(text: string): boolean {
  return readIdentity(text)?.hasUnlabelled === false;
}
