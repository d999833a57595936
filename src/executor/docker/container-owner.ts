/**
 * Whose a container is: a namespace's, which people choose, and within it an identity's (local/identity.ts). Both are labels, so that a
 * person can tell and filter by them, and both begin the container's name, so that no two installations want the same one. Pure.
 */

import type { Identity } from '../local/identity.ts';

export const OWNER_LABELS = { namespace: 'kairos.namespace', identity: 'kairos.identity' } as const;

export interface Owner {
  readonly namespace: string;
  readonly identity: Identity;
}

type Labels = Readonly<Record<string, string>>;

export function ownerLabels({ namespace, identity }: Owner): Labels {
  return { [OWNER_LABELS.namespace]: namespace, [OWNER_LABELS.identity]: identity.id };
}

/** What the names of its new containers begin with. */
export function namePrefix({ namespace, identity }: Owner): string {
  return `${namespace}-${identity.id}`;
}

/** What the name of a container with these labels begins with; `undefined` when it is another's. */
export function ownPrefix(owner: Owner, labels: Labels): string | undefined {
  if (labels[OWNER_LABELS.namespace] !== owner.namespace) return undefined;
  const id = labels[OWNER_LABELS.identity];
  if (id === undefined) return owner.identity.hasUnlabelled ? owner.namespace : undefined;
  return id === owner.identity.id ? namePrefix(owner) : undefined;
}
