/**
 * The public API of the simulator: a scenario is a function of a user's test that runs a simulated cluster in virtual time. It
 * has no access to the machine's clock, random numbers and files. `docs/simulation.md` has examples.
 */
import { type ConsumedRecord, Fetcher } from '../client/fetcher.ts';
import { Producer, type ProducerOptions } from '../client/producer.ts';
import { CreateTopicsRequest, CreateTopicsResponse } from '../protocol/messages/topics/19-create-topics.ts';
import { Errors, errorOf, KafkaError } from '../protocol/errors.ts';
import { crc32c } from '../protocol/records/crc32c.ts';
import { inMacrotask } from '../simulation/macrotask.ts';
import { outsideTraps, withTraps } from '../simulation/traps.ts';
import { SimulatedCluster, type SimulatedClusterOptions } from './simulated-cluster.ts';

export interface TopicOptions {
  /** The number of partitions, 1 by default. */
  readonly partitions?: number;
  /** The number of replicas; by default the number of brokers, at most 3. */
  readonly replicationFactor?: number;
  readonly configs?: Readonly<Record<string, string>>;
}

/** How many bytes `loadNativeModules` computes a checksum of: enough that the native function is used. */
const warmUpBytes = 65_536;
const retryMs = 50;

/**
 * Loads native modules. Otherwise they would be loaded at their first use in the simulation, which may not read files
 * (`traps.ts`).
 */
export function loadNativeModules(): void {
  crc32c(new Uint8Array(warmUpBytes));
}

export class Scenario extends SimulatedCluster {
  /**
   * Creates a topic, with retries until there is an active controller. Rejects with the controller's error. If the topic exists
   * already, this is an error too, unless an earlier attempt of this call got no response and may have created it.
   */
  async createTopic(name: string, options: TopicOptions = {}): Promise<void> {
    const client = this.client();
    let mayBeCreated = false;
    for (;;) {
      try {
        const answer = await client.request(CreateTopicsRequest, CreateTopicsResponse, {
          topics: [
            {
              name,
              numPartitions: options.partitions ?? 1,
              replicationFactor: options.replicationFactor ?? -1,
              assignments: [],
              configs: Object.entries(options.configs ?? {}).map(([key, value]) => ({ name: key, value })),
            },
          ],
          timeoutMs: 5_000,
        });
        const topic = answer.topics[0];
        const error = errorOf(topic?.errorCode ?? Errors.UNKNOWN_SERVER_ERROR.code);
        if (error === Errors.NONE || (error === Errors.TOPIC_ALREADY_EXISTS && mayBeCreated)) return;
        // INVALID_REPLICATION_FACTOR: too few brokers are active yet, because brokers that have just started are fenced. Try
        // again.
        if (!error.retriable && error !== Errors.INVALID_REPLICATION_FACTOR)
          throw new KafkaError(error, topic?.errorMessage ?? undefined);
        if (error.retriable) mayBeCreated = true;
      } catch (error) {
        if (error instanceof KafkaError && !error.error.retriable) throw error;
        mayBeCreated = true;
      }
      await this.clientSleep(retryMs);
    }
  }

  /** A producer on a separate connection, by default idempotent and with acks=all. */
  producer(options: Partial<ProducerOptions> = {}): Producer {
    return new Producer(this.client(), this.clientRandom, { lingerMs: 0, ...options });
  }

  /** Reads a partition from `offset` until there are `count` records. */
  async read(topic: string, partition: number, count: number, offset = 0): Promise<ConsumedRecord[]> {
    const fetcher = new Fetcher(this.client(), { reset: 'none' });
    fetcher.assign(topic, partition, offset);
    const records: ConsumedRecord[] = [];
    while (records.length < count) records.push(...(await fetcher.poll(500, count - records.length)));
    return records;
  }
}

/** Runs `body` with a cluster of which no node has been started. `body` must not wait for anything outside the simulation. */
export function simulate<T>(options: SimulatedClusterOptions, body: (cluster: Scenario) => T): Promise<T> {
  loadNativeModules();
  const { onLog } = options;
  const log = onLog === undefined ? {} : { onLog: (line: string) => outsideTraps(() => onLog(line)) };
  return inMacrotask(() => withTraps(() => body(new Scenario({ ...options, ...log }))));
}
