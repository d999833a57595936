/** Offer constraints: per role, groups of which one must hold in all its attribute constraints. */

import type { AttributeConstraint, OfferConstraints } from '../wire/call.ts';
import type { AgentInfo } from './model.ts';

export function satisfiesConstraints(constraints: OfferConstraints | undefined, role: string, agent: AgentInfo): boolean {
  const groups = constraints?.role_constraints?.[role]?.groups;
  if (groups === undefined || groups.length === 0) return true;
  return groups.some((group) => (group.attribute_constraints ?? []).every((one) => holds(one, agent)));
}

function holds(constraint: AttributeConstraint, agent: AgentInfo): boolean {
  const predicate = constraint.predicate ?? {};
  const selected = select(constraint, agent);
  if (predicate.exists !== undefined) return selected !== undefined;
  if (predicate.not_exists !== undefined) return selected === undefined;
  // A constraint on text holds for attributes of other types and, when negative, for missing ones.
  if (selected !== undefined && selected.text === undefined) return true;
  const text = selected?.text;
  if (predicate.text_equals !== undefined) return text === predicate.text_equals.value;
  if (predicate.text_not_equals !== undefined) return text !== predicate.text_not_equals.value;
  if (predicate.text_matches !== undefined) return text !== undefined && matches(predicate.text_matches.regex, text);
  if (predicate.text_not_matches !== undefined) return text === undefined || !matches(predicate.text_not_matches.regex, text);
  return true;
}

function select({ selector }: AttributeConstraint, agent: AgentInfo): { text: string | undefined } | undefined {
  if (selector?.pseudoattribute_type === 'HOSTNAME') return { text: agent.hostname };
  if (selector?.pseudoattribute_type === 'REGION') return agent.domain && { text: agent.domain.region };
  if (selector?.pseudoattribute_type === 'ZONE') return agent.domain && { text: agent.domain.zone };
  const attribute = agent.attributes.find((one) => one.name === selector?.attribute_name);
  return attribute && { text: attribute.text?.value };
}

function matches(regex: string | undefined, text: string): boolean {
  return new RegExp(`^(?:${regex ?? ''})$`).test(text);
}
