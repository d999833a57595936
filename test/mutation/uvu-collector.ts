/**
 * Stands where a test file imports uvu while mutants are tried: it keeps the tests instead of running them, so that one process can
 * run, for each mutant, those tests that come near it.
 */

type Step = () => unknown;

export interface CollectedTest {
  readonly id: string;
  readonly run: () => Promise<void>;
}

interface Suite {
  (name: string, handler: Step): void;
  readonly run: () => void;
  readonly skip: () => void;
  readonly before: { (hook: Step): void; readonly each: (hook: Step) => void };
  readonly after: { (hook: Step): void; readonly each: (hook: Step) => void };
}

/** Outside the module: the tests load it by another name than the runner does. */
const shared = globalThis as { kairosMutationTests?: CollectedTest[] };

export function forgetCollectedTests(): void {
  shared.kairosMutationTests = [];
}

export function takeCollectedTests(): readonly CollectedTest[] {
  return shared.kairosMutationTests ?? [];
}

/** Hooks of a whole suite run round each test: it may be the only one that runs. */
export function suite(title = ''): Suite {
  const before: Step[] = [];
  const after: Step[] = [];
  const add = (name: string, handler: Step): void => {
    const run = async (): Promise<void> => {
      try {
        for (const hook of before) await hook();
        await handler();
      } finally {
        for (const hook of after) await hook();
      }
    };
    (shared.kairosMutationTests ??= []).push({ id: `${title} ${name}`.trim(), run });
  };
  const hooks = (list: Step[]): Suite['before'] =>
    Object.assign((hook: Step) => void list.push(hook), { each: (hook: Step) => void list.push(hook) });
  return Object.assign(add, { run: () => undefined, skip: () => undefined, before: hooks(before), after: hooks(after) });
}

export const test = suite();
