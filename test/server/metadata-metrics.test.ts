/** The metrics of the cluster under kafka_exporter's names. */
import { expect, test } from 'vitest';
import type { MetadataImage } from '../../src/metadata/image.ts';
import { metadataMetrics } from '../../src/server/metrics/metadata-metrics.ts';
import { Exposition } from '../../src/telemetry/exposition.ts';

test('brokers in service are listed with the address of their first listener', async () => {
  const broker = (id: number, fenced: boolean, ports: number[]) => ({
    id,
    fenced,
    endpoints: ports.map((port) => ({ name: `L${port}`, host: 'kafka', port })),
  });
  const image = {
    cluster: {
      brokers: new Map([
        [1, broker(1, false, [9092, 9093])],
        [2, broker(2, true, [9094])],
      ]),
    },
    topics: { all: () => [] },
  } as unknown as MetadataImage;
  const exposition = new Exposition();
  for (const _ of metadataMetrics(() => image)(exposition.sink) ?? []) void _;
  const lines = [...exposition.texts()].join('').split('\n');
  expect(lines.filter((line) => line.startsWith('kafka_broker'))).toEqual([
    'kafka_brokers 1',
    'kafka_broker_info{id="1",address="kafka:9092"} 1',
  ]);
});
