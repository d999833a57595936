import assert from 'node:assert/strict';
import fc from 'fast-check';
import { suite } from 'uvu';
import { type Ambiguity, type GraphNode, JobGraph } from '../../../src/job/graph.ts';
import type { EdgeCondition, Join } from '../../../src/job/job.ts';

const test = suite('job graph');

const scheduled: GraphNode = { scheduled: true, join: 'flow', after: [] };
const manual: GraphNode = { scheduled: false, join: 'flow', after: [] };

function after(...parents: string[]): GraphNode {
  return { scheduled: false, join: 'flow', after: parents.map((job) => ({ job, on: 'success' as const })) };
}

function latest(...parents: string[]): GraphNode {
  return { ...after(...parents), join: 'latest' };
}

function graphOf(nodes: Record<string, GraphNode>): JobGraph {
  const graph = new JobGraph();
  for (const [name, node] of Object.entries(nodes)) graph.set(name, node);
  return graph;
}

const sorted = (names: Iterable<string>): string[] => [...names].sort();

const told = (found: readonly Ambiguity[]): string[] => found.map(({ job, origins }) => `${job}: ${origins().join(', ')}`);

test('children come with their conditions, also before their parent is there', () => {
  const graph = new JobGraph();
  graph.set('c', { scheduled: false, join: 'flow', after: [{ job: 'p', on: 'failure' }] });
  assert.deepEqual([...graph.children('p')], [['c', 'failure']]);
  assert.equal(graph.has('p'), false);
  graph.set('p', scheduled);
  assert.deepEqual([...graph.children('p')], [['c', 'failure']]);
  graph.set('c', manual);
  assert.equal(graph.children('p').size, 0);
});

test('a flow goes down every edge but not into a job that joins the latest', () => {
  const graph = graphOf({
    root: scheduled,
    a: after('root'),
    b: after('root'),
    join: after('a', 'b'),
    late: latest('join'),
    beyond: after('late'),
  });
  assert.deepEqual(sorted(graph.descendants('root')), ['a', 'b', 'join']);
  assert.deepEqual(sorted(graph.descendants('late')), ['beyond']);
  assert.deepEqual(sorted(graph.descendants('nobody')), []);
});

test('a kept flow is dropped when the graph changes inside it', () => {
  const graph = graphOf({ root: scheduled, a: after('root') });
  assert.deepEqual(sorted(graph.descendants('root')), ['a']);
  graph.set('b', after('a'));
  assert.deepEqual(sorted(graph.descendants('root')), ['a', 'b']);
  graph.set('b', latest('a'));
  assert.deepEqual(sorted(graph.descendants('root')), ['a']);
  graph.delete('a');
  assert.deepEqual(sorted(graph.descendants('root')), []);
});

test('a cycle is reported as the whole path', () => {
  const graph = graphOf({ a: manual, b: after('a'), c: after('b') });
  assert.deepEqual(graph.cycleIfSet('a', after('c').after), ['a', 'b', 'c', 'a']);
  assert.deepEqual(graph.cycleIfSet('a', after('a').after), ['a', 'a']);
  assert.equal(graph.cycleIfSet('c', after('a', 'b').after), undefined);
});

test('a cycle may go through a job that joins the latest', () => {
  const graph = graphOf({ a: manual, b: latest('a') });
  assert.deepEqual(graph.cycleIfSet('a', after('b').after), ['a', 'b', 'a']);
});

test('origins are scheduled roots and the nearest jobs that join the latest', () => {
  const graph = graphOf({
    r1: scheduled,
    r2: scheduled,
    hand: manual,
    late: latest('r1', 'r2'),
    x: after('late', 'hand'),
    y: after('x', 'r2'),
  });
  assert.deepEqual(sorted(graph.origins('r1')), ['r1']);
  assert.deepEqual(sorted(graph.origins('late')), ['r1', 'r2']);
  assert.deepEqual(sorted(graph.origins('x')), ['late']);
  assert.deepEqual(sorted(graph.origins('y')), ['late', 'r2']);
  assert.deepEqual(sorted(graph.origins('hand')), []);
  assert.deepEqual(told(graph.ambiguities(graph.names())), ['y: late, r2']);
});

test('an edit is thought through without being made', () => {
  const graph = graphOf({ r1: scheduled, r2: scheduled, mid: after('r1'), leaf: after('mid') });
  const found = graph.ambiguitiesIf(new Map([['mid', after('r1', 'r2')]]));
  assert.deepEqual(told(found), ['mid: r1, r2', 'leaf: r1, r2']);
  assert.deepEqual(graph.ambiguities(graph.names()), []);
  assert.deepEqual(graph.ambiguitiesIf(new Map([['r1', undefined]])), []);
});

test('downstream lists parents before their children', () => {
  const graph = graphOf({ a: manual, b: after('a'), c: after('b', 'a'), d: latest('c', 'b') });
  assert.deepEqual(graph.downstream('a'), ['b', 'c', 'd']);
});

test('whatever the order of edits, answers are those of a naive graph', () => {
  fc.assert(
    fc.property(fc.array(editArbitrary, { maxLength: 60 }), (edits) => {
      const graph = new JobGraph();
      const model = new Map<string, GraphNode>();
      for (const edit of edits) {
        if (edit.node === undefined) {
          graph.delete(edit.name);
          model.delete(edit.name);
        } else {
          const cycle = graph.cycleIfSet(edit.name, edit.node.after);
          assert.equal(cycle !== undefined, naive.closesCycle(model, edit.name, edit.node), 'cycle');
          if (cycle !== undefined) {
            naive.assertCycle(model, cycle, edit);
            continue;
          }
          const foreseen = graph.ambiguitiesIf(new Map([[edit.name, edit.node]])).map(({ job }) => job);
          const before = naive.ambiguous(model);
          graph.set(edit.name, edit.node);
          model.set(edit.name, edit.node);
          const ambiguous = naive.ambiguous(model);
          for (const job of foreseen) assert.ok(ambiguous.includes(job), `${job} was said to become ambiguous`);
          for (const job of ambiguous) assert.ok(before.includes(job) || foreseen.includes(job), `${job} became ambiguous unforeseen`);
        }
        if (edit.look) assertSame(graph, model);
      }
      assertSame(graph, model);
    }),
    { numRuns: 400 },
  );
});

const nameArbitrary = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
const editArbitrary = fc.record({
  name: nameArbitrary,
  look: fc.boolean(),
  node: fc.oneof(
    { weight: 1, arbitrary: fc.constant(undefined) },
    { weight: 2, arbitrary: fc.constant(scheduled) },
    {
      weight: 6,
      arbitrary: fc
        .tuple(
          fc.uniqueArray(nameArbitrary, { maxLength: 3 }),
          fc.constantFrom<Join>('flow', 'flow', 'latest'),
          fc.constantFrom<EdgeCondition>('success', 'completion'),
        )
        .map(
          ([parents, join, on]): GraphNode => ({
            scheduled: false,
            join,
            after: parents.map((job) => ({ job, on })),
          }),
        ),
    },
  ),
});

type Model = Map<string, GraphNode>;

/** The definitions of graph.ts in the plainest words. */
const naive = {
  childrenOf: (model: Model, name: string): string[] =>
    [...model].filter(([, node]) => node.after.some((edge) => edge.job === name)).map(([child]) => child),
  reach(model: Model, name: string, enter: (child: string) => boolean): Set<string> {
    const seen = new Set<string>();
    const visit = (job: string): void => {
      for (const child of naive.childrenOf(model, job)) {
        if (child === name || seen.has(child) || !enter(child)) continue;
        seen.add(child);
        visit(child);
      }
    };
    visit(name);
    return seen;
  },
  closesCycle(model: Model, name: string, node: GraphNode): boolean {
    const next = new Map(model).set(name, node);
    const reach = naive.reach(next, name, () => true);
    return node.after.some(({ job }) => job === name || reach.has(job));
  },
  assertCycle(model: Model, cycle: readonly string[], edit: { name: string; node: GraphNode | undefined }): void {
    assert.equal(cycle[0], cycle.at(-1));
    const next = new Map(model).set(edit.name, edit.node ?? manual);
    for (const [index, job] of cycle.slice(1).entries()) assert.ok(next.get(job)?.after.some((edge) => edge.job === cycle[index]));
  },
  isOrigin: (node: GraphNode): boolean => node.scheduled || (node.join === 'latest' && node.after.length > 0),
  origins(model: Model, name: string): Set<string> {
    const node = model.get(name);
    if (node === undefined) return new Set();
    if (node.scheduled) return new Set([name]);
    const found = new Set<string>();
    for (const { job } of node.after) {
      const parent = model.get(job);
      if (parent === undefined) continue;
      if (naive.isOrigin(parent)) found.add(job);
      else for (const origin of naive.origins(model, job)) found.add(origin);
    }
    return found;
  },
  ambiguous: (model: Model): string[] =>
    [...model]
      .filter(([name, node]) => !naive.isOrigin(node) && naive.origins(model, name).size > 1)
      .map(([name]) => name)
      .sort(),
};

function assertSame(graph: JobGraph, model: Model): void {
  assert.deepEqual(sorted(graph.names()), sorted(model.keys()));
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) {
    assert.deepEqual(sorted(graph.children(name).keys()), naive.childrenOf(model, name).sort(), `children of ${name}`);
    assert.deepEqual(sorted(graph.origins(name)), sorted(naive.origins(model, name)), `origins of ${name}`);
    const flow = naive.reach(model, name, (child) => model.get(child)?.join !== 'latest');
    assert.deepEqual(sorted(graph.descendants(name)), sorted(flow), `flow of ${name}`);
    const downstream = graph.downstream(name);
    assert.deepEqual(sorted(downstream), sorted(naive.reach(model, name, () => true)), `downstream of ${name}`);
    for (const [index, job] of downstream.entries()) {
      for (const { job: parent } of graph.parents(job)) assert.ok(!downstream.slice(index + 1).includes(parent), 'parents first');
    }
  }
  const found = graph.ambiguities(graph.names()).map(({ job }) => job);
  assert.deepEqual(found.sort(), naive.ambiguous(model), 'ambiguities');
}

// A graph that is quadratic in its jobs would outlast the limit that every test file has.
const MANY = 100_000;

test('a chain of 100,000 jobs is loaded from its end, asked and edited', () => {
  const graph = new JobGraph();
  for (let i = MANY - 1; i > 0; i--) graph.set(`j${i}`, after(`j${i - 1}`));
  graph.set('j0', scheduled);
  assert.equal(graph.descendants('j0').size, MANY - 1);
  assert.deepEqual(sorted(graph.origins(`j${MANY - 1}`)), ['j0']);
  assert.equal(graph.cycleIfSet('j0', after(`j${MANY - 1}`).after)?.length, MANY + 1);
  assert.equal(graph.cycleIfSet('new', after(`j${MANY - 1}`).after), undefined);
  assert.deepEqual(graph.ambiguities(graph.names()), []);
  graph.set('other', scheduled);
  assert.equal(graph.ambiguitiesIf(new Map([['j1', after('j0', 'other')]])).length, MANY - 1);
  assert.equal(graph.downstream('j0').length, MANY - 1);
});

test('1,000 flows of 100 jobs each are edited 10,000 times', () => {
  const graph = new JobGraph();
  for (let root = 0; root < 1_000; root++) {
    graph.set(`r${root}`, scheduled);
    for (let i = 0; i < 99; i++) graph.set(`r${root}.${i}`, i === 0 ? after(`r${root}`) : after(`r${root}`, `r${root}.${i - 1}`));
  }
  for (let edit = 0; edit < 10_000; edit++) {
    const name = `r${edit % 1_000}.98`;
    const node = after(`r${edit % 1_000}.${edit % 98}`);
    assert.equal(graph.cycleIfSet(name, node.after), undefined);
    assert.deepEqual(graph.ambiguitiesIf(new Map([[name, node]])), []);
    graph.set(name, node);
    if (edit % 10 === 0) assert.equal(graph.descendants(`r${edit % 1_000}`).size, 99);
  }
});

test.run();
