/** Placement constraints against one agent, in the words of Marathon and Chronos. Pure. */

import type { Attribute } from '../executor/port.ts';
import type { Constraint, ConstraintOperator, Job } from '../job/job.ts';
import { compilePattern } from '../job/pattern.ts';

/** What a constraint can ask of an agent. */
export interface AgentView {
  readonly hostname: string;
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly region?: string;
  readonly zone?: string;
}

/** For each constrained attribute, at how many of the job's other tasks it has which value. */
export type PlacedValues = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** Operators whose value says which ones are wanted. */
const NAMING: ReadonlySet<ConstraintOperator> = new Set(['EQUALS', 'IS', 'IN', 'LIKE']);

/** Operators that look at the job's other tasks. */
const COUNTING: ReadonlySet<ConstraintOperator> = new Set(['UNIQUE', 'CLUSTER', 'GROUP_BY', 'MAX_PER']);

/** Whether where a job's tasks may go depends on where its others are. */
export function countsOwn({ constraints }: Pick<Job, 'constraints'>): boolean {
  return constraints.some(({ operator }) => COUNTING.has(operator));
}

const NONE: readonly string[] = [];
const NOWHERE: ReadonlyMap<string, number> = new Map();

/** The first constraint that the agent does not meet. */
export function unmetConstraint(constraints: readonly Constraint[], agent: AgentView, placed: PlacedValues): Constraint | undefined {
  for (const constraint of constraints) if (!meets(constraint, agent, placed.get(constraint.attribute) ?? NOWHERE)) return constraint;
  return undefined;
}

/**
 * Whether a job asks where in the world it runs, and so may run in another region than the one the cluster is led from: it has a
 * constraint on `@region`, or one on `@zone` that names zones. To be spread over zones, whichever they are, asks for nothing.
 */
export function asksForRegion(constraints: readonly Constraint[]): boolean {
  return constraints.some(({ attribute, operator }) => attribute === '@region' || (attribute === '@zone' && NAMING.has(operator)));
}

/** The agent's value of an attribute, as text; undefined when it has none. */
export function attributeValue(agent: AgentView, name: string): string | undefined {
  const values = valuesOf(agent, name);
  return values.length > 0 ? values.join(',') : undefined;
}

/** An agent that lacks the attribute meets no constraint on it, UNLIKE included, as in Chronos. */
function meets(constraint: Constraint, agent: AgentView, placed: ReadonlyMap<string, number>): boolean {
  const values = valuesOf(agent, constraint.attribute);
  if (values.length === 0) return false;
  const wanted = constraint.value ?? '';
  switch (constraint.operator) {
    case 'EQUALS':
    case 'IS':
      return values.includes(wanted);
    case 'LIKE':
      return matchesSome(values, wanted) === true;
    case 'UNLIKE':
      return matchesSome(values, wanted) === false;
    case 'IN':
      return listOf(wanted).some((value) => values.includes(value));
    default:
      return meetsCount(constraint, values.join(','), placed);
  }
}

/** For the operators that look at the job's other tasks. */
function meetsCount(constraint: Constraint, own: string, placed: ReadonlyMap<string, number>): boolean {
  const wanted = constraint.value ?? '';
  switch (constraint.operator) {
    case 'UNIQUE':
      return !placed.has(own);
    case 'CLUSTER':
      return (constraint.value === undefined || own === wanted) && [...placed.keys()].every((value) => value === own);
    case 'MAX_PER':
      return (placed.get(own) ?? 0) < Number(wanted);
    case 'GROUP_BY':
      return isSpread(placed, own, Number(wanted || 0));
    default:
      return false;
  }
}

/** Even spread over the groups seen, or over `groups` of them when a number is given: no group runs ahead of another by two. */
function isSpread(placed: ReadonlyMap<string, number>, own: string, groups: number): boolean {
  const here = placed.get(own) ?? 0;
  const seen = placed.has(own) ? placed.size : placed.size + 1;
  return here <= (seen < groups ? 0 : Math.min(here, ...placed.values()));
}

function valuesOf(agent: AgentView, name: string): readonly string[] {
  if (name === '@hostname' || name === 'hostname') return [agent.hostname];
  if (name === '@region') return agent.region === undefined ? NONE : [agent.region];
  if (name === '@zone') return agent.zone === undefined ? NONE : [agent.zone];
  const attribute = agent.attributes[name];
  if (!attribute) return NONE;
  switch (attribute.type) {
    case 'text':
      return [attribute.value];
    case 'scalar':
      return [String(attribute.value)];
    case 'set':
      return attribute.value;
    case 'ranges':
      return attribute.value.map(([begin, end]) => `${begin}-${end}`);
  }
}

/** `a,b` or `{a,b}`. */
function listOf(text: string): string[] {
  return text
    .replace(/^\{|\}$/g, '')
    .split(',')
    .map((item) => item.trim());
}

/**
 * Whether the pattern matches one of the values as a whole, as in Chronos. undefined: it can't be used (it was stored by another
 * version, as definitions are checked), and then no agent meets it, nor its opposite.
 */
function matchesSome(values: readonly string[], text: string): boolean | undefined {
  const pattern = compilePattern(text);
  return pattern.ok ? values.some(pattern.matches) : undefined;
}
