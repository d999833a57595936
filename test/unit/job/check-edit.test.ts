import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { changesGraph, checkEdit, type Edit } from '../../../src/job/check-edit.ts';
import { type GraphNode, JobGraph } from '../../../src/job/graph.ts';

const test = suite('check of an edit');

const scheduled: GraphNode = { scheduled: true, join: 'flow', after: [] };

function after(...parents: string[]): GraphNode {
  return { scheduled: false, join: 'flow', after: parents.map((job) => ({ job, on: 'success' as const })) };
}

function setup(nodes: Record<string, GraphNode>): { issues: (edit: Edit) => string[]; graph: JobGraph } {
  const graph = new JobGraph();
  for (const [name, node] of Object.entries(nodes)) graph.set(name, node);
  const issues = (edit: Edit): string[] => {
    const check = checkEdit(graph, edit);
    return check.ok ? [] : check.issues.map(({ code, path, message }) => `${code} @ ${path}: ${message}`);
  };
  return { issues, graph };
}

const put = (name: string, node: GraphNode): Edit => ({ type: 'put', name, node });

test('a sound edit passes', () => {
  const { issues, graph } = setup({ extract: scheduled, load: after('extract') });
  assert.deepEqual(checkEdit(graph, put('load', after('extract'))), { ok: true, detached: [], deleted: [] });
  assert.deepEqual(issues(put('report', after('load', 'extract'))), []);
  assert.deepEqual(issues(put('extract', after())), []);
});

test('an unknown parent is named, with the name that was probably meant', () => {
  const { issues } = setup({ 'warehouse.extract': scheduled });
  assert.deepEqual(issues(put('load', after('warehouse.extract', 'warehouse.extrct', 'zzz'))), [
    'unknown-parent @ after[1]: there is no job warehouse.extrct; did you mean "warehouse.extract"?',
    'unknown-parent @ after[2]: there is no job zzz',
  ]);
});

test('a name that was probably meant is looked for as long as few are unknown', () => {
  const { issues } = setup({ extract: scheduled });
  const found = issues(put('load', after('extrac1', 'extrac2', 'extrac3', 'extrac4')));
  assert.deepEqual(
    found.map((issue) => issue.includes('did you mean')),
    [true, true, true, false],
  );
});

test('a job is not its own parent, whether it is there already or not', () => {
  const { issues } = setup({ a: scheduled });
  assert.deepEqual(issues(put('b', after('b'))), ["self-parent @ after[0]: b can't run after itself"]);
  assert.deepEqual(issues(put('a', after('a'))), ["self-parent @ after[0]: a can't run after itself"]);
});

test('a cycle is refused as its whole path', () => {
  const { issues } = setup({ a: after(), b: after('a'), c: after('b') });
  assert.deepEqual(issues(put('a', after('c'))), ['cycle @ after: would close a cycle: a -> b -> c -> a']);
});

test('what else a cycle would do is not said', () => {
  const { issues } = setup({ r1: scheduled, r2: scheduled, b: after('a'), a: after() });
  assert.deepEqual(issues(put('a', after('b', 'r1', 'r2'))), ['cycle @ after: would close a cycle: a -> b -> a']);
});

test('of many jobs ten are named, and the others counted', () => {
  const many = Array.from({ length: 11 }, (_, index) => `c${index + 10}`);
  const children = Object.fromEntries(many.map((name) => [name, after('p')]));
  const remove: Edit = { type: 'delete', name: 'p', children: 'refuse' };
  assert.deepEqual(setup({ p: scheduled, ...children }).issues(remove), [
    'has-children @ name: c10, c11, c12, c13, c14, c15, c16, c17, c18, c19 and 1 more run after p',
  ]);
  delete children['c20'];
  assert.deepEqual(setup({ p: scheduled, ...children }).issues(remove), [
    'has-children @ name: c10, c11, c12, c13, c14, c15, c16, c17, c18, c19 run after p',
  ]);
});

test('of many jobs that an edit makes ambiguous ten are named', () => {
  const joins = Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`j${index}`, after('r', 'hand')]));
  const { issues } = setup({ r: scheduled, hand: after(), ...joins });
  assert.equal(issues(put('hand', scheduled)).length, 10);
});

test('a job that becomes ambiguous itself is the only one that is named', () => {
  const { issues } = setup({ r1: scheduled, r2: scheduled, m: after('r1'), below: after('m') });
  assert.deepEqual(issues(put('m', after('r1', 'r2'))), [
    'ambiguous @ join: must be "latest": flows from more than one job reach m: r1, r2',
  ]);
});

test('a job under two scheduled roots must join the latest', () => {
  const { issues } = setup({ r1: scheduled, r2: scheduled, m: after('r1') });
  assert.deepEqual(issues(put('j', after('m', 'r2'))), [
    'ambiguous @ join: must be "latest": flows from more than one job reach j: r1, r2',
  ]);
  assert.deepEqual(issues(put('j', { ...after('m', 'r2'), join: 'latest' })), []);
});

test('an edit that makes another job ambiguous is refused, and the other job named', () => {
  const { issues } = setup({ r: scheduled, hand: after(), j: after('r', 'hand') });
  const message = 'would let flows from more than one job reach j (hand, r), which must then say "join": "latest"';
  assert.deepEqual(issues(put('hand', scheduled)), [`ambiguous @ schedule: ${message}`]);
});

test('a join of the latest shields what is below it', () => {
  const { issues } = setup({ r1: scheduled, r2: scheduled, j: { ...after('r1', 'r2'), join: 'latest' }, k: after('j') });
  assert.deepEqual(issues(put('k2', after('k', 'j'))), []);
  assert.deepEqual(issues(put('k2', after('k', 'r1'))), [
    'ambiguous @ join: must be "latest": flows from more than one job reach k2: j, r1',
  ]);
});

test('a parent with children is deleted only on request', () => {
  const { issues, graph } = setup({ p: scheduled, b: after('p'), a: after('p'), c: after('a', 'b') });
  assert.deepEqual(issues({ type: 'delete', name: 'p', children: 'refuse' }), ['has-children @ name: a, b run after p']);
  assert.deepEqual(checkEdit(graph, { type: 'delete', name: 'p', children: 'detach' }), { ok: true, detached: ['a', 'b'], deleted: ['p'] });
  const check = checkEdit(graph, { type: 'delete', name: 'p', children: 'delete' });
  assert.ok(check.ok);
  assert.deepEqual(check.detached, []);
  assert.equal(check.deleted[0], 'c');
  assert.equal(check.deleted.at(-1), 'p');
  assert.deepEqual([...check.deleted].sort(), ['a', 'b', 'c', 'p']);
});

test('a job without children is deleted in any mode; one that is not there in none', () => {
  const { issues, graph } = setup({ p: scheduled });
  for (const children of ['refuse', 'detach', 'delete'] as const) {
    assert.deepEqual(checkEdit(graph, { type: 'delete', name: 'p', children }), { ok: true, detached: [], deleted: ['p'] });
    assert.deepEqual(issues({ type: 'delete', name: 'q', children }), ['unknown-job @ name: there is no job q']);
  }
});

test('an edit of anything but edges, join and schedule leaves the graph alone', () => {
  const { graph } = setup({ p: scheduled, q: scheduled, c: { ...after('p', 'q'), join: 'latest' } });
  assert.equal(changesGraph(graph, 'c', { ...after('q', 'p'), join: 'latest' }), false);
  assert.equal(changesGraph(graph, 'c', after('q', 'p')), true);
  assert.equal(changesGraph(graph, 'c', { ...after('p'), join: 'latest' }), true);
  assert.equal(changesGraph(graph, 'new', scheduled), true);
  assert.equal(changesGraph(graph, 'p', scheduled), false);
  assert.equal(changesGraph(graph, 'p', { ...scheduled, scheduled: false }), true);
});

test.run();
