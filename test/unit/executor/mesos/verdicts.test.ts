import assert from 'node:assert/strict';
import { test } from 'uvu';
import { schedulerUrl, redirectTarget } from '../../../../src/executor/mesos/master-address.ts';
import { findMasters } from '../../../../src/executor/mesos/masters.ts';
import { judgeCall, judgeError, judgeRefusal } from '../../../../src/executor/mesos/verdicts.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const FROM = new URL('http://m1:5050/api/v1/scheduler');

function answer(status: number, text = '', location?: string) {
  return { status, text, location, streamId: undefined };
}

test('masters may be written in several ways', () => {
  const table: readonly (readonly [string, string])[] = [
    ['leader.mesos', 'http://leader.mesos:5050/api/v1/scheduler'],
    ['10.0.0.1:5051', 'http://10.0.0.1:5051/api/v1/scheduler'],
    [' m1 ', 'http://m1:5050/api/v1/scheduler'],
    ['[::1]:5050', 'http://[::1]:5050/api/v1/scheduler'],
    ['http://m1:5050/', 'http://m1:5050/api/v1/scheduler'],
    ['https://gateway/mesos', 'https://gateway/mesos/api/v1/scheduler'],
    ['https://m1', 'https://m1/api/v1/scheduler'],
  ];
  for (const [text, url] of table) assert.equal(schedulerUrl(text).href, url);
});

test('what is not the address of a master is refused with what is allowed', () => {
  for (const text of ['', 'a b', 'ftp://m1', 'http://user:secret@m1', 'm1/path', 'http://m1?x=1', 'zk://z1:2181/mesos', 'http://']) {
    assert.throws(() => schedulerUrl(text), /^TypeError: masters: '.*' is not the address of a Mesos master; allowed are 'host'/, text);
  }
});

test('a list of masters, or one ZooKeeper address, but not both', async () => {
  const clock = new ManualClock();
  const urls = await (await findMasters(['m1', 'https://m2:5050'], { clock })).detect();
  assert.deepEqual(
    urls.map((url) => url.host),
    ['m1:5050', 'm2:5050'],
  );
  assert.ok(await findMasters(['zk://z1:2181/mesos'], { clock }));
  await assert.rejects(findMasters(['zk://z1:2181/mesos', 'm1'], { clock }), /stands alone/);
  await assert.rejects(findMasters([], { clock }), /at least one address/);
});

test("a redirect without a scheme keeps the request's; one without a path gets the API's", () => {
  const table: readonly (readonly [string | undefined, string | undefined])[] = [
    ['//localhost:5250/master/api/v1/scheduler', 'http://localhost:5250/master/api/v1/scheduler'],
    ['//localhost:5250', 'http://localhost:5250/api/v1/scheduler'],
    ['https://m2:5050/api/v1/scheduler', 'https://m2:5050/api/v1/scheduler'],
    [undefined, undefined],
    ['http://', undefined],
    ['file:///etc/passwd', undefined],
  ];
  for (const [location, expected] of table) assert.equal(redirectTarget(location, FROM)?.href, expected, location);
  assert.equal(redirectTarget('//m2:1', new URL('https://m1/api/v1/scheduler'))?.protocol, 'https:');
});

test('what a master answers to SUBSCRIBE', () => {
  const table: readonly (readonly [number, string, string])[] = [
    [401, '401 Unauthorized.', 'misconfigured'],
    [403, '', 'misconfigured'],
    [404, '404 Not Found.', 'retry'],
    [503, 'Master has not finished recovery', 'retry'],
    [503, 'No leader elected', 'retry'],
    [500, '', 'retry'],
    [400, "Failed to validate scheduler::Call: Expecting 'type' to be present", 'misconfigured'],
    [406, '', 'misconfigured'],
    [415, '', 'misconfigured'],
    [307, '', 'retry'],
  ];
  for (const [status, text, kind] of table) assert.equal(judgeRefusal(answer(status, text), FROM).kind, kind, `${status}`);
  const redirected = judgeRefusal(answer(307, '', '//m2:5050/master/api/v1/scheduler'), FROM);
  assert.ok(redirected.kind === 'redirected' && redirected.to.host === 'm2:5050');
});

test('ERROR events: the id is gone, someone else has it, or a person must look', () => {
  assert.equal(judgeError('Framework has been removed').kind, 'final');
  assert.equal(judgeError('Framework failed over').kind, 'final');
  assert.equal(judgeError("Changing framework's principal is not allowed.").kind, 'misconfigured');
});

test('what a master answers to calls', () => {
  const mismatch = "The stream ID 'x' included in this request didn't match the stream ID currently associated with framework ID f";
  const table: readonly (readonly [number, string, string])[] = [
    [202, '', 'accepted'],
    [200, '', 'accepted'],
    [400, mismatch, 'final'],
    [400, 'Framework cannot be found', 'retry'],
    [400, "All non-subscribe calls should include the 'Mesos-Stream-Id' header", 'retry'],
    [400, 'Failed to validate scheduler::Call: Not a valid UUID', 'refused'],
    [401, '', 'misconfigured'],
    [403, 'Framework is not subscribed', 'retry'],
    [404, '', 'retry'],
    [307, '', 'retry'],
    [503, '', 'retry'],
    [415, '', 'refused'],
  ];
  for (const [status, text, expected] of table) {
    const verdict = judgeCall('KILL', answer(status, text));
    assert.equal(verdict.kind === 'ended' ? verdict.end.kind : verdict.kind, expected, `${status} ${text}`);
  }
});

test('a page of text is told in part only', () => {
  const verdict = judgeRefusal(answer(502, '<html>'.repeat(1_000)), FROM);
  assert.ok(verdict.kind === 'retry' && verdict.reason.length < 700);
});

test.run();
