import assert from 'node:assert/strict';
import { test } from 'uvu';
import { type AgentView, attributeValue, unmetConstraint } from '../../../src/engine/constraints.ts';
import type { Attribute } from '../../../src/executor/port.ts';
import type { Constraint, ConstraintOperator } from '../../../src/job/job.ts';

const text = (value: string): Attribute => ({ type: 'text', value });

const agent: AgentView = {
  hostname: 'h1.test',
  region: 'eu',
  zone: 'eu-1',
  attributes: {
    rack: text('r1'),
    cores: { type: 'scalar', value: 16 },
    disks: { type: 'set', value: ['ssd', 'hdd'] },
    lanes: { type: 'ranges', value: [[1, 4] as const, [9, 9] as const] },
  },
};

function countOf(placed: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const value of placed) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** Whether the agent meets `[attribute, operator, value]`, where the job's other tasks are at these values of the attribute. */
function isMet([attribute, operator, value]: [string, ConstraintOperator, string?], placed: readonly string[] = []): boolean {
  return unmetConstraint([{ attribute, operator, value }], agent, new Map([[attribute, countOf(placed)]])) === undefined;
}

test('EQUALS and IS take the value and no other', () => {
  for (const operator of ['EQUALS', 'IS'] as const) {
    assert.equal(isMet(['rack', operator, 'r1']), true);
    assert.equal(isMet(['rack', operator, 'r']), false);
    assert.equal(isMet(['rack', operator, 'r.']), false, 'it is no pattern');
    assert.equal(isMet(['disks', operator, 'hdd']), true, 'one of a set is enough');
  }
});

test('LIKE and UNLIKE look at the whole value', () => {
  assert.equal(isMet(['rack', 'LIKE', 'r[12]']), true);
  assert.equal(isMet(['rack', 'LIKE', 'r']), false);
  assert.equal(isMet(['rack', 'LIKE', '1']), false);
  assert.equal(isMet(['rack', 'LIKE', 'x|r1']), true);
  assert.equal(isMet(['rack', 'LIKE', 'r|x1']), false, 'an alternative is a whole value too');
  assert.equal(isMet(['disks', 'LIKE', 's.*']), true);
  assert.equal(isMet(['rack', 'UNLIKE', 'r2']), true);
  assert.equal(isMet(['rack', 'UNLIKE', 'r[12]']), false);
  assert.equal(isMet(['disks', 'UNLIKE', 's.*']), false, 'none of a set may match');
});

test('a pattern that can not be used is met nowhere, and neither is its opposite', () => {
  for (const pattern of ['[', '(?=r)r1', 'x'.repeat(300)]) {
    assert.equal(isMet(['rack', 'LIKE', pattern]), false);
    assert.equal(isMet(['rack', 'UNLIKE', pattern]), false);
  }
});

test('IN takes a list, in braces or not', () => {
  assert.equal(isMet(['rack', 'IN', 'r0,r1']), true);
  assert.equal(isMet(['rack', 'IN', '{r1, r0}']), true);
  assert.equal(isMet(['rack', 'IN', '{r0, r1}']), true);
  assert.equal(isMet(['rack', 'IN', 'r0,r2']), false);
  assert.equal(isMet(['rack', 'IN', 'r{1,r}1']), false, 'braces are taken off at the ends only');
});

test('UNIQUE wants no other task of the job at the value', () => {
  assert.equal(isMet(['rack', 'UNIQUE'], ['r2', 'r3']), true);
  assert.equal(isMet(['rack', 'UNIQUE'], ['r2', 'r1']), false);
});

test('CLUSTER wants all tasks of the job at one value, at the one it names if it names one', () => {
  assert.equal(isMet(['rack', 'CLUSTER']), true);
  assert.equal(isMet(['rack', 'CLUSTER'], ['r1', 'r1']), true);
  assert.equal(isMet(['rack', 'CLUSTER'], ['r1', 'r2']), false);
  assert.equal(isMet(['rack', 'CLUSTER', 'r1']), true);
  assert.equal(isMet(['rack', 'CLUSTER', 'r2']), false);
  assert.equal(isMet(['rack', 'CLUSTER', 'r1'], ['r2']), false);
});

test('MAX_PER bounds the tasks of the job at one value', () => {
  assert.equal(isMet(['rack', 'MAX_PER', '2'], ['r1', 'r2', 'r2']), true);
  assert.equal(isMet(['rack', 'MAX_PER', '2'], ['r1', 'r1']), false);
  assert.equal(isMet(['rack', 'MAX_PER', '3'], ['r1', 'r1', 'r2']), true, 'it need not be even');
});

test('GROUP_BY lets no value run ahead of another', () => {
  assert.equal(isMet(['rack', 'GROUP_BY']), true);
  assert.equal(isMet(['rack', 'GROUP_BY'], ['r1']), true, 'no other group is known');
  assert.equal(isMet(['rack', 'GROUP_BY'], ['r1', 'r2']), true);
  assert.equal(isMet(['rack', 'GROUP_BY'], ['r1', 'r1', 'r2']), false);
  assert.equal(isMet(['rack', 'GROUP_BY'], ['r1', 'r2', 'r2']), true);
});

test('GROUP_BY with a number waits for groups that have none yet', () => {
  assert.equal(isMet(['rack', 'GROUP_BY', '3'], ['r1', 'r2']), false);
  assert.equal(isMet(['rack', 'GROUP_BY', '3'], ['r2', 'r3']), true);
  assert.equal(isMet(['rack', 'GROUP_BY', '2'], ['r1', 'r2']), true, 'all the groups have one');
});

test('an agent without the attribute meets no constraint on it, UNLIKE and UNIQUE included', () => {
  const asked: [string, ConstraintOperator, string?][] = [
    ['gpu', 'UNLIKE', 'x'],
    ['gpu', 'UNIQUE'],
    ['gpu', 'CLUSTER'],
    ['gpu', 'MAX_PER', '5'],
    ['gpu', 'GROUP_BY'],
  ];
  for (const constraint of asked) assert.equal(isMet(constraint), false, constraint[1]);
});

test('each kind of attribute has a text, and so have the host, its region and its zone', () => {
  const bare: AgentView = { hostname: 'h2', attributes: {} };
  assert.equal(attributeValue(agent, 'rack'), 'r1');
  assert.equal(attributeValue(agent, 'cores'), '16');
  assert.equal(attributeValue(agent, 'disks'), 'ssd,hdd');
  assert.equal(attributeValue(agent, 'lanes'), '1-4,9-9');
  assert.equal(attributeValue(agent, '@hostname'), 'h1.test');
  assert.equal(attributeValue(agent, 'hostname'), 'h1.test');
  assert.equal(attributeValue(agent, '@region'), 'eu');
  assert.equal(attributeValue(agent, '@zone'), 'eu-1');
  for (const name of ['rack', '@region', '@zone']) assert.equal(attributeValue(bare, name), undefined, name);
});

test('the first constraint that is not met is named', () => {
  const constraints: Constraint[] = [
    { attribute: 'rack', operator: 'EQUALS', value: 'r1' },
    { attribute: 'cores', operator: 'EQUALS', value: '8' },
    { attribute: '@zone', operator: 'EQUALS', value: 'us-1' },
  ];
  assert.equal(unmetConstraint(constraints, agent, new Map()), constraints[1]);
  assert.equal(unmetConstraint(constraints.slice(0, 1), agent, new Map()), undefined);
});

test.run();
