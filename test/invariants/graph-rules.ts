/** The rule graph (words: invariants.ts): what is stored is looked at once more, in the order in which it landed. */

import { JOBS } from '../../src/engine/keys.ts';
import { checkEdit } from '../../src/job/check-edit.ts';
import { JobGraph } from '../../src/job/graph.ts';
import { nodeOfSpec } from '../../src/job/resolve-job.ts';
import type { Write } from '../../src/store/port.ts';
import type { Definition } from './history.ts';
import { InvariantViolation } from './violation.ts';

export class GraphRules {
  readonly #graph = new JobGraph();

  /** Takes what an API node wrote in one transaction. */
  onWrites(writes: readonly Write[]): void {
    const edits = writes.filter(({ key }) => key.startsWith(JOBS));
    for (const { key, value } of edits) {
      const name = key.slice(JOBS.length);
      if (value === undefined) {
        this.#graph.delete(name);
        continue;
      }
      const node = nodeOfSpec((JSON.parse(value) as Definition).spec);
      // A deletion that takes its children along, or lets them go, is right only as a whole.
      const checked = edits.length === 1 ? checkEdit(this.#graph, { type: 'put', name, node }) : undefined;
      if (checked?.ok === false) throw new InvariantViolation('graph', `${name} was written though ${JSON.stringify(checked)}`, [name]);
      this.#graph.set(name, node);
    }
  }
}
