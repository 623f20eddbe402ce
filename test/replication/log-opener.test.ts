/** How many logs of new replicas are created at a time. */
import { expect, test } from 'vitest';
import type { LogStore, ReplicaLog } from '../../src/replication/log-port.ts';
import type { HostedReplica } from '../../src/replication/manager/hosted-replica.ts';
import { LogOpener } from '../../src/replication/manager/log-opener.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { ManualTime, settle } from '../broker/harness.ts';

test('no more than openingMax logs are created at a time, and all of them in the end', async () => {
  const openingMax = 16;
  const creating: (() => void)[] = [];
  let created = 0;
  const getOrCreate = (): Promise<ReplicaLog> =>
    new Promise((resolve) => {
      creating.push(() => {
        created++;
        resolve({} as ReplicaLog);
      });
    });
  const time = new ManualTime();
  const logs = { get: () => null, getOrCreate } as unknown as LogStore;
  const opener = new LogOpener(logs, silentLogger, time, time);
  let opened = 0;
  for (let index = 0; index < 40; index++) {
    const replica = { topic: 't', index, wanted: {}, opened: () => opened++ };
    void opener.open(replica as unknown as HostedReplica);
  }
  for (const expected of [openingMax, openingMax, 40 - 2 * openingMax]) {
    await settle();
    expect(creating.length).toBe(expected);
    for (const complete of creating.splice(0)) complete();
  }
  await settle();
  expect([created, opened, creating.length]).toEqual([40, 40, 0]);
});
