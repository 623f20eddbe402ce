/** Pushed metrics for tests, encoded by protobufjs from proto/client-metrics.proto, so not by the code under test. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
interface ProtobufType {
  fromObject(value: object): object;
  encode(message: object): { finish(): Uint8Array };
}
/** The parser on which @grpc/proto-loader is built. */
const protobuf = createRequire(require.resolve('@grpc/proto-loader'))('protobufjs') as {
  parse(text: string): { root: { lookupType(name: string): ProtobufType } };
};
const file = join(import.meta.dirname, '../../proto/client-metrics.proto');
const metricsData = protobuf
  .parse(readFileSync(file, 'utf8'))
  .root.lookupType('opentelemetry.proto.metrics.v1.MetricsData');

const keyValue = ([key, value]: [string, object]): object => ({ key, value });

/** Attributes in protobufjs's form. The values are texts. */
export function attributesOf(values: Readonly<Record<string, string>>): object[] {
  return Object.entries(values).map(([key, stringValue]) => keyValue([key, { stringValue }]));
}

/** The bytes of a push: metrics in protobufjs's form (`{ name, sum: { dataPoints: [{ asDouble: 1 }] } }`). */
export function pushOf(
  metrics: readonly object[],
  client: Readonly<Record<string, string>> = {},
): Uint8Array {
  const resource = { attributes: attributesOf(client) };
  const message = { resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] };
  return metricsData.encode(metricsData.fromObject(message)).finish();
}
