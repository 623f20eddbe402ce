/**
 * Properties that Apache Kafka does not have. They are `internal`: DescribeConfigs shows one only when it is set, so that
 * Kafka's tools print the same as with Kafka.
 */
import { int, list, string } from '../define.ts';

const own = { internal: true, effect: 'honoured', importance: 'low' } as const;

export const ownProperties = {
  'log.format': string('text', {
    ...own,
    oneOf: ['text', 'json'],
    doc: 'Writes log lines as text, or as JSON, one object a line. A JSON layout in the log4j file that KAFKA_LOG4J_OPTS names also selects JSON.',
  }),
  'metrics.port': int(-1, {
    ...own,
    min: -1,
    max: 65_535,
    doc: 'Port for /metrics, /healthz, /readyz and /api/cluster over HTTP. -1: none.',
  }),
  'metrics.host': string('', {
    ...own,
    doc: 'Address that metrics.port is bound to. Empty: every address of the machine.',
  }),
  'http.listeners': list([], {
    ...own,
    doc: 'Names of listeners that answer HTTP requests with the same pages, beside the Kafka protocol.',
  }),
};
