/** How many connections a node accepts, and which ones it closes. */
import { describe, expect, test } from 'vitest';
import { refusedConnectionsMax, refusedSilenceMs } from '../../../src/broker/limits.ts';
import { ApiVersionsRequest } from '../../../src/protocol/messages/cluster/18-api-versions.ts';
import { frame, settle, TestBroker } from '../harness.ts';

const brokerWith = (properties: string): TestBroker => new TestBroker({ properties });

test('max.connections closes the connection that was idle longest; max.connections.per.ip closes the new one', async () => {
  const broker = brokerWith(
    'max.connections=2\nmax.connections.per.ip=1\nmax.connections.per.ip.overrides=10.0.0.1:5',
  );
  const first = broker.connect('broker', '10.0.0.1');
  await broker.time.advance(1_500);
  const second = broker.connect('broker', '10.0.0.2');
  const again = broker.connect('broker', '10.0.0.2');
  again.feed(Uint8Array.of(0));
  expect([first.closed, second.closed, again.closed]).toEqual([false, false, true]);
  const third = broker.connect('broker', '10.0.0.3');
  expect([first.closed, second.closed, third.closed]).toEqual([true, false, false]);
  const fourth = broker.connect('broker', '10.0.0.4');
  await broker.time.advance(refusedSilenceMs);
  expect(fourth.closed).toBe(true);
  expect(broker.server.connectionCount).toBe(2);
});

test('a listener at max.connections closes new clients, but not a connection of another node', async () => {
  const broker = brokerWith('max.connections=1');
  broker.connect();
  const peer = broker.connect();
  // The transport has found out that this is a connection of another node. For the acceptor the connection is closed, but in
  // fact it stays open.
  peer.onClose(null);
  const client = broker.connect();
  client.feed(frame(ApiVersionsRequest, 0, {}));
  expect([peer.closed, client.closed]).toEqual([false, true]);
  await broker.time.advance(2 * refusedSilenceMs);
  expect(peer.closed).toBe(false);
  expect(broker.logger.at('warn')).toEqual(['refusing a connection']);
});

test('no more than refusedConnectionsMax connections above the bound wait for their first byte', async () => {
  const broker = brokerWith('max.connections=1');
  broker.connect();
  const refused = Array.from({ length: refusedConnectionsMax + 5 }, () => broker.connect());
  expect(refused.filter(({ closed }) => closed).length).toBe(5);
  await broker.time.advance(refusedSilenceMs);
  expect(refused.every(({ closed }) => closed)).toBe(true);
});

const answered = (connection: { writes: readonly unknown[] }): boolean => connection.writes.length > 0;

function connectAll(broker: TestBroker, count: number) {
  const all = Array.from({ length: count }, () => broker.connect());
  for (const connection of all) connection.feed(frame(ApiVersionsRequest, 0, {}));
  return all;
}

describe('max.connection.creation.rate', () => {
  test('ten seconds’ worth is served at once, the others one after another as they come into the rate', async () => {
    const broker = brokerWith('max.connection.creation.rate=2');
    const all = connectAll(broker, 24);
    const count = (): number => all.filter(answered).length;
    await settle();
    expect(count()).toBe(20);
    // The 21st exceeds the rate of 2 by 0.1 over ten seconds. The 22nd is counted when the 21st is served.
    await broker.time.advance(499);
    expect(count()).toBe(20);
    await broker.time.advance(1);
    expect(count()).toBe(21);
    await broker.time.advance(499);
    expect(count()).toBe(21);
    await broker.time.advance(1);
    expect(count()).toBe(22);
    await broker.time.advance(3000);
    expect(count()).toBe(24);
  });

  test('a connection that is closed while it waits does not count', async () => {
    const broker = brokerWith('max.connection.creation.rate=2');
    const all = connectAll(broker, 30);
    await settle();
    for (const connection of all.slice(21, 29)) connection.destroy();
    await broker.time.advance(1100);
    expect(answered(all[29] as (typeof all)[0])).toBe(true);
  });

  test('a new rate counts for the next connection', async () => {
    const broker = brokerWith('max.connection.creation.rate=2');
    connectAll(broker, 21);
    await broker.time.advance(1000);
    const unlimited = new Map([['max.connection.creation.rate', '2147483647']]);
    broker.services.config.applyDynamic(unlimited, new Map());
    const more = connectAll(broker, 40);
    await settle();
    expect(more.every(answered)).toBe(true);
  });
});
