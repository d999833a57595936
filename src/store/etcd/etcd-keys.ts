/** Between the port's keys and etcd's: the prefix, buffers, and the pieces that requests are made of. */

import type { ICompare, IKeyValue, IRangeRequest, IRequestOp } from 'etcd3';
import type { Entry, Guard, Revision, Write } from '../port.ts';

/** Numbers of etcd's protocol: the names are lost on the way through the protobuf library. */
const EQUAL = 0;
const CREATE_REVISION = 1;
const MOD_REVISION = 2;

export class EtcdKeys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = `${prefix.replace(/\/+$/, '')}/v1/`;
  }

  /** Covers every key of the store. */
  get all(): { readonly key: Buffer; readonly range_end: Buffer } {
    const end = Buffer.from(this.#prefix);
    // The prefix ends in '/', so the next string of its length ends in '0'.
    end[end.length - 1] = (end.at(-1) ?? 0) + 1;
    return { key: Buffer.from(this.#prefix), range_end: end };
  }

  at(key: string): Buffer {
    return Buffer.from(this.#prefix + key);
  }

  name(key: Buffer): string {
    return key.toString().slice(this.#prefix.length);
  }

  entry(kv: IKeyValue): Entry {
    return { key: this.name(kv.key), value: kv.value.toString(), modRevision: BigInt(kv.mod_revision) };
  }

  read(key: string): IRangeRequest {
    return { key: this.at(key) };
  }

  /** Holds while the key's value is of this revision; `0n`: while it does not exist. */
  isOfRevision({ key, modRevision }: Guard): ICompare {
    return { key: this.at(key), target: MOD_REVISION, result: EQUAL, mod_revision: String(modRevision) };
  }

  /** Holds while the key was created at this revision and not deleted since; `0n`: while it does not exist. */
  isCreatedAt(key: string, revision: Revision): ICompare {
    return { key: this.at(key), target: CREATE_REVISION, result: EQUAL, create_revision: String(revision) };
  }

  write({ key, value }: Write, lease = '0'): IRequestOp {
    if (value === undefined) return { request_delete_range: { key: this.at(key) } };
    return { request_put: { key: this.at(key), value: Buffer.from(value), lease } };
  }
}
