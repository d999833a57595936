/** Names for ids that differ from run to run: bound at first sight, equal ever after, no two the same. */

import assert from 'node:assert/strict';

export class Labels {
  readonly #ids = new Map<string, string>();
  readonly #labels = new Map<string, string>();

  /** Gives the id this name; fails when either has another already. */
  bind(label: string, id: string): void {
    assert.equal(this.#ids.get(label) ?? id, id, `${label} is another id`);
    assert.equal(this.#labels.get(id) ?? label, label, `${id} has another name`);
    this.#ids.set(label, id);
    this.#labels.set(id, label);
  }

  /** Binds at first sight, compares afterwards. */
  match(label: string, id: string): void {
    this.bind(label, id);
  }

  isBound(id: string): boolean {
    return this.#labels.has(id);
  }

  /** The id of a label; what is no label stands for itself. */
  id(label: string): string {
    return this.#ids.get(label) ?? label;
  }

  labelOf(id: string): string {
    return this.#labels.get(id) ?? id;
  }

  /** Replaces each `{label}` in a text. */
  fill(text: string): string {
    return text.replaceAll(/\{([^}]*)\}/g, (whole, label: string) => this.#ids.get(label) ?? whole);
  }
}
