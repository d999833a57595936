/**
 * What executors know this store by. Each kind that was ever used keeps its own, so that going back to a kind is going back to
 * the tasks it has: a new identity would make strangers of them.
 */

import type { ExecutorIdentity } from './records.ts';

export function identityOf(record: ExecutorIdentity | undefined, kind: string): string | undefined {
  if (record === undefined) return undefined;
  return record.kind === kind ? record.identity : record.others?.[kind];
}

/** `undefined`: it says so already. */
export function withIdentity(record: ExecutorIdentity | undefined, kind: string, identity: string): ExecutorIdentity | undefined {
  if (record?.kind === kind && record.identity === identity) return undefined;
  return recordOf({ ...identitiesIn(record), [kind]: identity }, kind);
}

/** `undefined`: no other kind has one. */
export function withoutIdentity(record: ExecutorIdentity, kind: string): ExecutorIdentity | undefined {
  const { [kind]: _gone, ...left } = identitiesIn(record);
  const next = record.kind === kind ? Object.keys(left)[0] : record.kind;
  return next === undefined ? undefined : recordOf(left, next);
}

function identitiesIn(record: ExecutorIdentity | undefined): Readonly<Record<string, string>> {
  return record === undefined ? {} : { ...record.others, [record.kind]: record.identity };
}

function recordOf(identities: Readonly<Record<string, string>>, kind: string): ExecutorIdentity {
  const { [kind]: identity = '', ...others } = identities;
  return { kind, identity, ...(Object.keys(others).length === 0 ? {} : { others }) };
}
