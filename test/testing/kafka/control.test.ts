import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type ControlServer,
  serveControl,
  startKafka,
  type TestKafka,
} from '../../../src/testing/kafka/index.ts';
import { verbs } from '../../../src/testing/kafka/control/verbs.ts';

let kafka: TestKafka;
let control: ControlServer;

beforeAll(async () => {
  kafka = await startKafka({ where: 'here', nodes: 3, clock: 'real', topics: { orders: 1 }, log: 'silent' });
  control = await serveControl(kafka);
});

afterAll(async () => {
  await control.close();
  await kafka.close();
});

type Answer = Record<string, unknown> & { error?: string };

async function call(method: string, path: string, body?: unknown, headers = {}): Promise<[number, Answer]> {
  const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
  const response = await fetch(`${control.url}${path}`, { method, headers, ...sent });
  return [response.status, (await response.json()) as Answer];
}

async function done(method: string, path: string, body?: unknown): Promise<Answer> {
  const [status, answer] = await call(method, path, body);
  expect([status, answer.error]).toEqual([200, undefined]);
  return answer;
}

describe('the control port', () => {
  test('serves topics, records, faults and requests', async () => {
    await done('POST', '/topics', {
      name: 'made',
      partitions: 2,
      records: ['one', { key: 'k', value: 'two' }],
    });
    const { records } = await done('GET', '/topics/made/records?count=2');
    expect((records as { value: string }[]).map(({ value }) => value).sort()).toEqual(['one', 'two']);
    const { id } = await done('POST', '/faults', { api: 'Metadata', observe: true, times: -1 });
    expect(await done('GET', `/faults/${String(id)}`)).toMatchObject({ hits: 0, isOver: false });
    const [status, { error }] = await call('POST', `/faults/${String(id)}/wait`, { timeout: 20 });
    expect([status, error]).toEqual([504, expect.stringContaining('so far it met 0')]);
    await done('DELETE', `/faults/${String(id)}`);
    expect(await done('GET', '/requests?api=Produce')).toMatchObject({ requests: [], timeline: '' });
  });

  test('serves nodes, network, disks and waits', async () => {
    const { controller, nodes } = await done('GET', '/cluster');
    expect((nodes as { id: number }[]).map(({ id }) => id)).toContain(controller);
    const leader = (await done('POST', '/wait/leader', { topic: 'orders' })).node as number;
    expect(await done('POST', `/nodes/${leader}/kill`)).toEqual({ id: leader, state: 'down' });
    expect((await done('POST', '/wait/leader', { topic: 'orders', not: leader })).node).not.toBe(leader);
    await done('POST', `/nodes/${leader}/start`);
    await done('POST', '/wait/in-sync', { topic: 'orders' });
    await done('POST', '/network/cut', { from: [1], to: [2], oneWay: true });
    await done('POST', '/network/latency', { delay: '1ms', from: 1 });
    await done('POST', '/network/heal');
    await done('POST', '/disks/1', { state: 'slow', delay: '1ms' });
    await done('POST', '/disks/1', { state: 'mend' });
    expect(await done('GET', '/cluster')).toMatchObject({ bootstrapServers: kafka.bootstrapServers });
  });

  test('serves offsets, coordinators, and the waits for them', async () => {
    await done('POST', '/topics', { name: 'counted', records: ['one', 'two'] });
    await done('POST', '/wait/offsets', { topic: 'counted', count: 2 });
    expect((await call('POST', '/wait/offsets', { topic: 'counted', count: 3, timeout: 20 }))[0]).toBe(504);
    expect(await done('GET', '/topics/counted/offsets')).toEqual({
      partitions: [{ partition: 0, start: 0, end: 2 }],
    });
    expect(await done('GET', '/groups/nobody/offsets?topic=counted')).toEqual({
      partitions: [{ partition: 0, offset: -1 }],
    });
    for (const kind of ['group', 'transaction'])
      expect(await done('GET', `/coordinators/${kind}/any`)).toEqual({ node: expect.any(Number) });
    expect((await done('POST', '/wait/leader', { topic: 'counted' })).node).toEqual(expect.any(Number));
  });

  test('serves snapshots and reset', async () => {
    await done('POST', '/topics/orders/records', { records: ['kept'] });
    const { id } = await done('POST', '/snapshots');
    await done('POST', '/reset');
    expect(await done('GET', '/topics/orders/records')).toEqual({ records: [] });
    await done('POST', `/snapshots/${String(id)}/restore`);
    expect((await done('GET', '/topics/orders/records')).records).toMatchObject([{ value: 'kept' }]);
  });

  test.each([
    ['POST', '/clock/advance', { by: 'soon' }, 400, /'by' must be milliseconds, or a number with ms/],
    ['POST', '/clock/advance', { by: '1s' }, 400, /clock: 'manual'/],
    ['POST', '/clock/set', { toMs: 1 }, 400, /does not go back/],
    ['GET', '/coordinators/share/any', undefined, 400, /kind must be group or transaction/],
    ['POST', '/topics', {}, 400, /'name' is missing: expected a string/],
    ['POST', '/topics', 'no json', 400, /The body is not JSON/],
    ['POST', '/topics', { name: 'x', colour: 'red' }, 400, /'colour' is not expected here; fields are name/],
    ['POST', '/faults', { error: 'NO_SUCH' }, 400, /is not a Kafka error/],
    ['POST', '/faults', { times: 1.5 }, 400, /'times' must be a whole number/],
    ['POST', '/disks/1', { state: 'wet' }, 400, /state must be full/],
    ['POST', '/network/cut', { from: [9], to: [1] }, 400, /There is no node 9/],
    ['POST', '/nodes/7/kill', undefined, 404, /There is no node 7; nodes are 1 to 3/],
    ['PUT', '/reset', undefined, 400, /\/reset takes POST, not PUT/],
    ['GET', '/topics/%zz/offsets', undefined, 400, /'%zz' in the path is not valid/],
    ['GET', '/topics/nope/records', undefined, 409, /^UNKNOWN_TOPIC_OR_PARTITION: There is no topic nope/],
    ['POST', '/faults', { node: 9, drop: true }, 400, /There is no node 9/],
    [
      'POST',
      '/faults',
      { api: 'Heartbeat', partition: 0, drop: true },
      400,
      /requests that name a partition/,
    ],
    ['POST', '/network/cut', { from: [1], to: [1] }, 400, /two different nodes are needed/],
    ['GET', '/topics/orders/records?count=9&timeout=20', undefined, 504, /Not within 20 ms/],
    [
      'POST',
      '/topics/orders/records',
      { records: [{ value: 'x', partition: 9 }] },
      400,
      /There is no partition 9/,
    ],
    ['GET', '/nothing', undefined, 404, /GET \/openapi.json lists/],
    ['POST', '/topics', { name: 'bad name' }, 409, /Topic name is invalid/],
  ] as const)('refuses %s %s with %j, with a clear message', async (method, path, body, status, text) => {
    const [got, { error }] = await call(method, path, body);
    expect([got, error]).toEqual([status, expect.stringMatching(text)]);
  });

  test('refuses a body that is too large, and answers the next request', async () => {
    const [status, { error }] = await call('POST', '/topics', 'x'.repeat(17 * 1024 * 1024));
    expect([status, error]).toEqual([400, 'The body has more than 16777216 bytes.']);
    await done('GET', '/cluster');
  });

  test.each([
    [{ port: 'x' as never }, /port must be a whole number/],
    [{ prot: 9099 } as never, /serveControl has no option 'prot'/],
  ])('refuses the options %j', async (options, message) => {
    await expect(serveControl(kafka, options)).rejects.toThrow(message);
  });

  test('serves an OpenAPI file with every verb and its fields', async () => {
    const { paths } = (await done('GET', '/openapi.json')) as {
      paths: Record<string, Record<string, unknown>>;
    };
    for (const { method, path, fields } of verbs) {
      const operation = paths[path]?.[method.toLowerCase()];
      expect(JSON.stringify(operation)).toContain(Object.keys(fields)[0] ?? 'summary');
    }
  });

  test('refuses requests of web pages, and requires a token on an address other than loopback', async () => {
    const [status] = await call('GET', '/cluster', undefined, { origin: 'http://example.org' });
    expect(status).toBe(403);
    const open = await serveControl(kafka, { host: '0.0.0.0' });
    const url = open.url.replace('0.0.0.0', '127.0.0.1');
    expect((await fetch(`${url}/cluster`)).status).toBe(401);
    const headers = { authorization: `Bearer ${open.token}` };
    expect((await fetch(`${url}/cluster`, { headers })).status).toBe(200);
    await open.close();
  });
});
