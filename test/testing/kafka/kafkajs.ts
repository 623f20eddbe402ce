/** A stock client for the tests of the kit. */
import { Kafka, logLevel } from 'kafkajs';
import type { TestKafka } from '../../../src/testing/kafka/index.ts';

/** kafkajs with short pauses, so that a retry costs a test nothing. */
export function kafkaJs(kafka: TestKafka, clientId = 'app', requestTimeout = 30_000): Kafka {
  return new Kafka({
    brokers: kafka.brokers,
    clientId,
    logLevel: logLevel.NOTHING,
    requestTimeout,
    retry: { initialRetryTime: 10, maxRetryTime: 50, retries: 10 },
  });
}
