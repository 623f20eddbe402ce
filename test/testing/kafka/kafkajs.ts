/** Makes kafkajs clients for the tests of the test kit. */
import { Kafka, logLevel } from 'kafkajs';
import type { TestKafka } from '../../../src/testing/kafka/index.ts';

/** A kafkajs client with short pauses between retries, so that a retry does not slow a test down. */
export function kafkaJs(kafka: TestKafka, clientId = 'app', requestTimeout = 30_000): Kafka {
  return new Kafka({
    brokers: kafka.brokers,
    clientId,
    logLevel: logLevel.NOTHING,
    requestTimeout,
    retry: { initialRetryTime: 10, maxRetryTime: 50, retries: 10 },
  });
}
