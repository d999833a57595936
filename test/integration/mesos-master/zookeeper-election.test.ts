/** The stand-in's masters in a real ZooKeeper: a node each, in the order of joining, until their session ends. */

import assert from 'node:assert/strict';
import { createClient, type Client } from 'node-zookeeper-client';
import { test } from 'uvu';
import { ZookeeperElection } from '../../mesos-master/zookeeper-election.ts';
import { startZookeeper } from '../../support/zookeeper.ts';
import { setup } from '../../unit/mesos-master/rig.ts';

test('the lowest json.info_ node is the leader, through the death of one and its return', async () => {
  const zookeeper = await startZookeeper();
  const election = await ZookeeperElection.connect(zookeeper.address, '/mesos/test');
  const client = createClient(zookeeper.address);
  client.connect();
  const timing = { masterRefusesMs: 1, masterNoRoutesMs: 1, masterRecoversMs: 1, zookeeperSessionMs: 100, agentFollowsLeaderMs: 5 };
  const rig = await setup({ masters: 2, election, timing });
  try {
    const [first, second] = rig.master.addresses.map((address) => Number(address.split(':')[1]));
    await election.settled();
    assert.deepEqual(await portsIn(client), [first, second]);
    await rig.master.killMaster(0);
    assert.deepEqual(await portsIn(client), [first, second]);
    await rig.master.until(() => rig.master.address === rig.master.addresses[1]);
    await election.settled();
    assert.deepEqual(await portsIn(client), [second]);
    await rig.master.bootMaster(0);
    await election.settled();
    assert.deepEqual(await portsIn(client), [second, first]);
  } finally {
    await rig.stop();
    client.close();
    await election.close();
    await zookeeper.stop();
  }
});

/** Of the masters shown, by sequence. */
async function portsIn(client: Client): Promise<readonly number[]> {
  const names = await new Promise<string[]>((resolve, reject) => {
    client.getChildren('/mesos/test', (error, children) => (error ? reject(new Error(String(error))) : resolve(children)));
  });
  const sorted = names.filter((name) => name.startsWith('json.info_')).sort();
  return Promise.all(sorted.map((name) => portOf(client, `/mesos/test/${name}`)));
}

function portOf(client: Client, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    client.getData(path, (error, data) => {
      if (error) reject(new Error(String(error)));
      else resolve((JSON.parse(data.toString()) as { readonly port: number }).port);
    });
  });
}

test.run();
