/** Whether a node can do its part, and if not why: for `/readyz` and the metrics. */

export interface Condition {
  readonly name: string;
  /** undefined: fine; otherwise what is wrong. */
  readonly problem: () => string | undefined;
}

export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

export function readinessOf(conditions: readonly Condition[]): Readiness {
  const reasons = conditions.flatMap(({ name, problem }) => {
    const text = problem();
    return text === undefined ? [] : [`${name}: ${text}`];
  });
  return { ready: reasons.length === 0, reasons };
}
