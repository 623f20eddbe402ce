/**
 * A minimal transactional producer, made with our own client from dist/. It sends what a client of transaction.version 2 sends
 * (KIP-890) and nothing else, so that it costs both brokers the same. Import it after `ready()`.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { sleep } from './cluster.mjs';
import { root } from './ready.mjs';

const load = (path) => import(pathToFileURL(join(root, 'dist', path)).href);
const names = {
  Produce: 'records/00-produce.js',
  Fetch: 'records/01-fetch.js',
  FindCoordinator: 'groups/10-find-coordinator.js',
  InitProducerId: 'transactions/22-init-producer-id.js',
  EndTxn: 'transactions/26-end-txn.js',
  TxnOffsetCommit: 'transactions/28-txn-offset-commit.js',
};
/** The last versions of Produce and Fetch in which topics have names. */
const byName = { version: 12 };
/**
 * Error codes after which a request is sent again: there is no leader or coordinator yet, it has moved, or the last transaction
 * is still ending.
 */
const retriable = new Set([3, 5, 6, 14, 15, 16, 19, 51]);
const retryPauseMs = 5;
const retriesMax = 4000;

async function loadMessages() {
  const messages = {};
  for (const [name, file] of Object.entries(names)) {
    const found = await load(`protocol/messages/${file}`);
    messages[name] = [found[`${name}Request`], found[`${name}Response`]];
  }
  return messages;
}

/** Sends a request again until its error is none of `retriable`. `errorOf` finds the error in a response. */
async function untilDone(what, ask, errorOf) {
  for (let i = 0; i < retriesMax; i++) {
    const answer = await ask();
    const error = errorOf(answer);
    if (error === 0) return answer;
    if (!retriable.has(error)) throw new Error(`${what}: error ${error}`);
    await sleep(retryPauseMs);
  }
  throw new Error(`${what}: no end of retries`);
}

class TransactionalProducer {
  #client;
  #messages;
  #buildBatch;
  #id;
  #producerId = -1;
  #epoch = -1;
  /** The next sequence number of each partition, in the present transaction. */
  #sequences = new Map();
  #coordinator = null;
  #groups = new Map();
  #leaders = new Map();

  constructor(client, messages, buildBatch, id) {
    this.#client = client;
    this.#messages = messages;
    this.#buildBatch = buildBatch;
    this.#id = id;
  }

  async #find(key, keyType) {
    const [request, response] = this.#messages.FindCoordinator;
    const ask = () => this.#client.request(request, response, { key: '', keyType, coordinatorKeys: [key] });
    const answer = await untilDone('FindCoordinator', ask, ({ coordinators }) => coordinators[0].errorCode);
    await this.#client.metadata([]);
    return answer.coordinators[0].nodeId;
  }

  async #leader(topic, partition) {
    const key = `${topic}-${partition}`;
    let leader = this.#leaders.get(key);
    if (leader === undefined) {
      const found = (await this.#client.metadata([topic])).topics.get(topic);
      leader = found.partitions.find(({ index }) => index === partition).leader;
      this.#leaders.set(key, leader);
    }
    return leader;
  }

  async init() {
    this.#coordinator = await this.#find(this.#id, 1);
    const [request, response] = this.#messages.InitProducerId;
    const init = { transactionalId: this.#id, transactionTimeoutMs: 60_000 };
    const answer = await untilDone(
      'InitProducerId',
      () => this.#client.requestTo(this.#coordinator, request, response, init),
      ({ errorCode }) => errorCode,
    );
    this.#producerId = answer.producerId;
    this.#epoch = answer.producerEpoch;
  }

  /** Sends records of one partition as one batch. */
  async send(topic, partition, values) {
    const [request, response] = this.#messages.Produce;
    const leader = await this.#leader(topic, partition);
    const key = `${topic}-${partition}`;
    const baseSequence = this.#sequences.get(key) ?? 0;
    this.#sequences.set(key, baseSequence + values.length);
    const records = this.#buildBatch({
      records: values.map((value) => ({ key: null, value, timestamp: Date.now() })),
      producerId: this.#producerId,
      producerEpoch: this.#epoch,
      baseSequence,
      isTransactional: true,
    });
    const init = {
      transactionalId: this.#id,
      acks: -1,
      timeoutMs: 30_000,
      topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
    };
    await untilDone(
      'Produce',
      async () => (await this.#client.broker(leader)).request(request, response, init, byName),
      ({ responses }) => responses[0].partitionResponses[0].errorCode,
    );
  }

  /** Adds to the transaction that the group has read up to `offset`. The group has no members. */
  async sendOffset(groupId, topic, partition, offset) {
    let node = this.#groups.get(groupId);
    if (node === undefined) this.#groups.set(groupId, (node = await this.#find(groupId, 0)));
    const [request, response] = this.#messages.TxnOffsetCommit;
    const init = {
      transactionalId: this.#id,
      groupId,
      producerId: this.#producerId,
      producerEpoch: this.#epoch,
      topics: [
        {
          name: topic,
          partitions: [{ partitionIndex: partition, committedOffset: offset, committedMetadata: '' }],
        },
      ],
    };
    await untilDone(
      'TxnOffsetCommit',
      () => this.#client.requestTo(node, request, response, init),
      ({ topics }) => topics[0].partitions[0].errorCode,
    );
  }

  async end(committed) {
    const [request, response] = this.#messages.EndTxn;
    const init = {
      transactionalId: this.#id,
      producerId: this.#producerId,
      producerEpoch: this.#epoch,
      committed,
    };
    const answer = await untilDone(
      'EndTxn',
      () => this.#client.requestTo(this.#coordinator, request, response, init),
      ({ errorCode }) => errorCode,
    );
    this.#producerId = answer.producerId;
    this.#epoch = answer.producerEpoch;
    this.#sequences.clear();
  }

  /** Fetches batches of committed transactions from `offset` on. Returns them with the offset at which to continue. */
  async fetch(topic, partition, offset, maxBytes) {
    const [request, response] = this.#messages.Fetch;
    const connection = await this.#client.broker(await this.#leader(topic, partition));
    const init = {
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes,
      isolationLevel: 1,
      topics: [
        {
          topic,
          partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: maxBytes }],
        },
      ],
      forgottenTopicsData: [],
    };
    const answer = await connection.request(request, response, init, byName);
    return answer.responses[0]?.partitions[0] ?? null;
  }
}

/** Returns the functions that make producers and fetch records on a client. */
export async function makeTransactions() {
  const messages = await loadMessages();
  const { buildBatch } = await load('protocol/records/builder.js');
  const { batches } = await load('protocol/records/batch.js');
  return {
    producer: (client, id) => new TransactionalProducer(client, messages, buildBatch, id),
    batches,
  };
}
