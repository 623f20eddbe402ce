/** Clients push metrics (KIP-714) over a socket, and /metrics has them, within the bounds of docs/limits.md. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { clientSeriesPerInstanceMax, pushUnpackedBytesMax } from '../../../src/broker/limits.ts';
import type { KafkaClient } from '../../../src/client/kafka-client.ts';
import { errorOf } from '../../../src/protocol/errors.ts';
import {
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
} from '../../../src/protocol/messages/telemetry/71-get-telemetry-subscriptions.ts';
import {
  PushTelemetryRequest,
  PushTelemetryResponse,
} from '../../../src/protocol/messages/telemetry/72-push-telemetry.ts';
import { pushOf } from '../../broker/pushes.ts';
import { freePorts, type NodeFiles, Workshop } from './harness.ts';

const workshop = new Workshop();
let client: KafkaClient;
let metricsPort: number;

beforeAll(async () => {
  [metricsPort] = (await freePorts(1)) as [number];
  const [node] = (await workshop.nodes(1, {
    'metrics.port': metricsPort,
    'metrics.host': '127.0.0.1',
  })) as [NodeFiles];
  await workshop.format([node]);
  await workshop.startAll([node]);
  const server = ['--bootstrap-server', `${node.broker.host}:${node.broker.port}`];
  const subscribe = ['--alter', '--name', 'all', '--metrics', 'test.', '--interval', '60000'];
  await workshop.tool('kafka-client-metrics', ...server, ...subscribe).ended;
  client = workshop.client(node);
});

afterAll(() => workshop.close());

/** A new client instance pushes once. Returns the name of the error and the instance's id. */
async function push(metrics: Uint8Array, compressionType = 0): Promise<{ error: string; id: string }> {
  const asked = await client.request(GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse, {
    clientInstanceId: 'AAAAAAAAAAAAAAAAAAAAAA',
  });
  const { clientInstanceId: id, subscriptionId } = asked;
  const body = { clientInstanceId: id, subscriptionId, terminating: false, compressionType, metrics };
  const answer = await client.request(PushTelemetryRequest, PushTelemetryResponse, body);
  return { error: errorOf(answer.errorCode).name, id };
}

async function linesOf(id: string): Promise<string[]> {
  const page = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  return page.split('\n').filter((line) => line.includes(id) || line.startsWith('bendemann_client_metrics'));
}

const gauges = (count: number): object[] =>
  Array.from({ length: count }, (_, i) => ({ name: `test.x${i}`, gauge: { dataPoints: [{ asInt: i }] } }));

test('what a client pushes is on /metrics, but only metrics of a subscription', async () => {
  onTestFailed(() => console.log(workshop.story()));
  const other = { name: 'other.y', gauge: { dataPoints: [{ asInt: 1 }] } };
  const { error, id } = await push(pushOf([...gauges(2), other], { group_id: 'g' }));
  expect(error).toBe('NONE');
  const lines = await linesOf(id);
  expect(lines).toContainEqual(expect.stringMatching(/^client_test_x1\{.*client_id="[^"]+"\} 1$/));
  expect(lines).toContainEqual(expect.stringMatching(/^client_info\{.*group_id="g"\} 1$/));
  expect(lines.some((line) => line.includes('other'))).toBe(false);
});

test('clientSeriesPerInstanceMax: more series of an instance are dropped and counted', async () => {
  onTestFailed(() => console.log(workshop.story()));
  const { error, id } = await push(pushOf(gauges(clientSeriesPerInstanceMax + 4)));
  expect(error).toBe('NONE');
  const lines = await linesOf(id);
  expect(lines.filter((line) => line.startsWith('client_'))).toHaveLength(clientSeriesPerInstanceMax);
  expect(lines).toContain('bendemann_client_metrics_dropped_total 5');
});

test('pushUnpackedBytesMax: what is larger once decompressed is refused', async () => {
  onTestFailed(() => console.log(workshop.story()));
  const { error, id } = await push(gzipSync(new Uint8Array(pushUnpackedBytesMax + 1)), 1);
  expect(error).toBe('INVALID_RECORD');
  expect(await linesOf(id)).toContain('bendemann_client_metrics_refused_push_total 1');
});
