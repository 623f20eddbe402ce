/**
 * Small requests to a cluster that the benchmarks use to wait for a state. They are sent by our own client with short
 * time-outs.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { sleep, waitFor } from '../lib/cluster.mjs';
import { root } from '../lib/ready.mjs';

const load = (path) => import(pathToFileURL(join(root, 'dist', 'protocol', 'messages', path)).href);
const alreadyExists = 36;
const noId = 'AAAAAAAAAAAAAAAAAAAAAA';

class Probes {
  #clients;
  /** The messages for these requests, by name. */
  #messages;

  constructor(clients, messages) {
    this.#clients = clients;
    this.#messages = messages;
  }

  async createTopic(client, topic, partitions, replicationFactor, timeoutMs = 30_000) {
    const answer = await client.request(
      this.#messages.CreateTopicsRequest,
      this.#messages.CreateTopicsResponse,
      {
        topics: [{ name: topic, numPartitions: partitions, replicationFactor, assignments: [], configs: [] }],
        timeoutMs,
      },
    );
    const { errorCode, errorMessage } = answer.topics[0];
    if (errorCode !== 0 && errorCode !== alreadyExists) throw new Error(errorMessage ?? `error ${errorCode}`);
  }

  async deleteTopics(client, names) {
    await client.request(this.#messages.DeleteTopicsRequest, this.#messages.DeleteTopicsResponse, {
      topics: names.map((name) => ({ name, topicId: noId })),
      topicNames: names,
      timeoutMs: 30_000,
    });
  }

  async partitionsOf(client, topic) {
    const found = (await client.metadata([topic])).topics.get(topic);
    if (found === undefined || found.errorCode !== 0) throw new Error(`${topic} is not there`);
    return found.partitions;
  }

  /** Returns the leader and the epoch of the metadata quorum. */
  async quorumLeader(client) {
    const answer = await client.request(
      this.#messages.DescribeQuorumRequest,
      this.#messages.DescribeQuorumResponse,
      {
        topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }],
      },
    );
    const { errorCode, leaderId, leaderEpoch } = answer.topics[0].partitions[0];
    if (errorCode !== 0 || leaderId < 0) throw new Error(`no leader of the quorum (error ${errorCode})`);
    return { leaderId, leaderEpoch };
  }

  /** Creates a topic and waits until all replicas are in sync. */
  async readyTopic(client, topic, partitions, replicationFactor) {
    await waitFor(`topic ${topic}`, 60_000, async () => {
      await this.createTopic(client, topic, partitions, replicationFactor);
      return true;
    });
    await waitFor(`replicas of ${topic}`, 60_000, async () => {
      const list = await this.partitionsOf(client, topic);
      return list.length === partitions && list.every(({ isr }) => isr.length === replicationFactor);
    });
  }

  /**
   * Tries to get one record acknowledged, each time with a new connection, until it succeeds. Returns false after `timeoutMs`.
   * Creates the topic if it does not exist.
   */
  async produceOne(addresses, topic, timeoutMs) {
    const deadlineMs = performance.now() + timeoutMs;
    while (performance.now() < deadlineMs) {
      const client = this.#clients.client(addresses, { connectTimeoutMs: 500, requestTimeoutMs: 2000 });
      const producer = this.#clients.producer(client, {
        acks: -1,
        lingerMs: 0,
        isIdempotent: false,
        retries: 0,
        maxBlockMs: 0,
        requestTimeoutMs: 2000,
        deliveryTimeoutMs: 2000,
      });
      try {
        await producer.send({ topic, partition: 0, value: new Uint8Array(100) });
        return true;
      } catch {
        await sleep(5);
      } finally {
        client.close();
      }
    }
    return false;
  }
}

export async function makeProbes(clients) {
  const files = ['topics/19-create-topics.js', 'topics/20-delete-topics.js', 'quorum/55-describe-quorum.js'];
  return new Probes(clients, Object.assign({}, ...(await Promise.all(files.map(load)))));
}
