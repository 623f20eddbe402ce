/** A node serves HTTP pages such as /metrics on a port of their own, and on its listeners beside Kafka's protocol. */
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bytesOf, createTopic, freePorts, type NodeFiles, producerOf, readAll, Workshop } from './harness.ts';
import { metricRows } from '../../../src/telemetry/metrics.ts';

const workshop = new Workshop();
let node: NodeFiles;
let metricsPort: number;

beforeAll(async () => {
  [metricsPort] = (await freePorts(1)) as [number];
  const settings = {
    'metrics.port': metricsPort,
    'metrics.host': '127.0.0.1',
    'http.listeners': 'plaintext',
  };
  [node] = (await workshop.nodes(1, settings)) as [NodeFiles];
  await workshop.format([node]);
  await workshop.startAll([node]);
});

afterAll(() => workshop.close());

async function page(path: string, port = metricsPort, init: RequestInit = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`, init);
}

/** The samples of a metric: its lines, each without the name of the metric. */
async function values(name: string): Promise<string[]> {
  const text = await (await page('/metrics')).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .map((line) => line.slice(name.length).trim());
}

test('produced and fetched records are counted by topic, requests by API', async () => {
  const client = workshop.client(node);
  await createTopic(client, 'orders', 2, 1);
  const producer = producerOf(client);
  for (let i = 0; i < 10; i++)
    await producer.send({ topic: 'orders', partition: i % 2, value: bytesOf('x') });
  expect(await values('kafka_server_brokertopicmetrics_messagesin_total')).toEqual(['{topic="orders"} 10']);
  expect(await values('kafka_log_log_logendoffset')).toEqual([
    '{topic="orders",partition="0"} 5',
    '{topic="orders",partition="1"} 5',
  ]);
  expect(await values('kafka_server_brokertopicmetrics_bytesout_total')).toEqual(['{topic="orders"} 0']);
  await readAll(client, 'orders');
  const [out = ''] = await values('kafka_server_brokertopicmetrics_bytesout_total');
  expect(Number(out.split(' ')[1])).toBeGreaterThan(10);
  const requests = await values('kafka_network_requestmetrics_requests_total');
  expect(requests.some((line) => /^\{request="Produce",version="\d+"\} 10$/.test(line))).toBe(true);
  expect(await values('kafka_server_socket_server_metrics_connection_count')).toContain(
    '{listener="PLAINTEXT"} 1',
  );
});

test('/metrics is Prometheus text with each metric once, and only metrics of the table', async () => {
  const response = await page('/metrics');
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const names = [...(await response.text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name]) => name ?? '');
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain('process_resident_memory_bytes');
  const own = names.filter((name) => /^(kafka|bendemann)_/.test(name));
  for (const name of own) expect(Object.keys(metricRows)).toContain(name);
  expect(own.length).toBeGreaterThan(30);
});

test('/healthz, /readyz and /api/cluster are served on metrics.port and on the client listener', async () => {
  for (const port of [metricsPort, node.broker.port]) {
    expect(await (await page('/healthz', port)).text()).toBe('ok\n');
    const ready = await page('/readyz', port);
    expect(ready.status).toBe(200);
    expect(await ready.text()).toMatch(/^ready\n(\[\+\] \w+: .*\n){4}$/);
    const cluster = (await (await page('/api/cluster', port)).json()) as {
      clusterId: string;
      brokers: unknown[];
    };
    expect(cluster.clusterId).toBe(workshop.clusterId);
    expect(cluster.brokers).toHaveLength(1);
  }
});

test('other paths get 404, other methods 405; the controller listener serves no pages', async () => {
  expect((await page('/nothing')).status).toBe(404);
  const posted = await page('/metrics', metricsPort, { method: 'POST', body: 'x' });
  expect([posted.status, await posted.text()]).toEqual([405, 'Only GET and HEAD are served here.\n']);
  expect(await (await page('/metrics', node.controller.port)).text()).toContain('there is no web page here');
});

test('a connection with an incomplete request is closed, others are served', async () => {
  const socket = connect(metricsPort, '127.0.0.1');
  socket.write(`GET /metrics HTTP/1.1\r\nX: ${'y'.repeat(20_000)}`);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => {});
  socket.resume();
  await closed;
  expect((await page('/healthz')).status).toBe(200);
});

test('a metrics port in use, or a host without address, ends the start with a clear message', async () => {
  for (const [settings, words] of [
    [{ 'metrics.port': metricsPort, 'metrics.host': '127.0.0.1' }, 'Address already in use'],
    [
      { 'metrics.host': 'no-such-host.invalid', 'metrics.port': 0 },
      'This machine cannot resolve the name of that host',
    ],
  ] as const) {
    const other = new Workshop();
    try {
      const [second] = (await other.nodes(1, settings)) as [NodeFiles];
      await other.format([second]);
      const { status, output } = await other.start(second).ended;
      expect(status).toBe(1);
      expect(output).toContain(words);
    } finally {
      await other.close();
    }
  }
});

// Bounds: connectionsMax and headerBytesMax.
test.each(['a port of its own', 'a listener of clients'])(
  'on %s at most 64 connections and headers of 8 KiB are accepted',
  async (where) => {
    const port = where === 'a listener of clients' ? node.broker.port : metricsPort;
    const long = await page('/metrics', port, { headers: { 'x-long': 'x'.repeat(9_000) } });
    expect(long.status).toBe(431);
    const closed: boolean[] = [];
    const sockets = Array.from({ length: 80 }, (_, i) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('GET /metrics HTTP/1.1\r\n'));
      socket.on('error', () => undefined).on('close', () => (closed[i] = true));
      return socket.resume();
    });
    await expect
      .poll(() => closed.filter(Boolean).length, { timeout: 5_000 })
      .toBeGreaterThanOrEqual(80 - 64);
    for (const socket of sockets) socket.destroy();
    await expect
      .poll(async () => (await page('/metrics', port).catch(() => null))?.status, { timeout: 5_000 })
      .toBe(200);
  },
);

test("a metrics.port equal to a listener's port ends the start and names that listener", async () => {
  const other = new Workshop();
  try {
    const [second] = (await other.nodes(1)) as [NodeFiles];
    await other.format([second]);
    const port = ['--override', `metrics.port=${second.broker.port}`];
    const { status, output } = await other.tool('kafka-server-start', second.properties, ...port).ended;
    expect(status).toBe(1);
    expect(output).toContain(
      `metrics.port is ${second.broker.port}, which is the port of listener PLAINTEXT: choose another port`,
    );
  } finally {
    await other.close();
  }
});
