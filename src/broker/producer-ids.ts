/**
 * Producer ids. The controller allocates them to brokers in blocks, so that each id is given once only in the life of the
 * cluster. The next block is requested before the current one is used up, so that requests usually need not wait.
 */
import { brokerEpoch, type BrokerEpoch, type NodeId } from '../base/ids.ts';
import type { ControllerClient } from '../metadata/controller-port.ts';
import { Errors, errorOf, KafkaError } from '../protocol/errors.ts';
import {
  AllocateProducerIdsRequest,
  AllocateProducerIdsResponse,
} from '../protocol/messages/brokers/67-allocate-producer-ids.ts';

interface Block {
  nextId: number;
  /** The first id after the block. */
  readonly endId: number;
  readonly size: number;
}

/** When only this share of a block is left, the next block is requested. */
const refillShare = 0.1;
const deadlineMs = 5_000;

export class ProducerIds {
  readonly #nodeId: NodeId;
  readonly #epoch: () => BrokerEpoch | undefined;
  readonly #controller: ControllerClient;
  #current: Block | null = null;
  #next: Block | null = null;
  #fetching: Promise<void> | null = null;

  /** `epoch`: the broker epoch of this broker's present registration. */
  constructor(nodeId: NodeId, epoch: () => BrokerEpoch | undefined, controller: ControllerClient) {
    this.#nodeId = nodeId;
    this.#epoch = epoch;
    this.#controller = controller;
  }

  /**
   * Returns a new id. Rejects with COORDINATOR_LOAD_IN_PROGRESS, on which clients retry, if the controller allocates no block.
   */
  async next(): Promise<number> {
    for (;;) {
      const id = this.#take();
      if (id !== null) return id;
      await this.#fetch();
    }
  }

  #take(): number | null {
    if (this.#current === null || this.#current.nextId === this.#current.endId) {
      this.#current = this.#next;
      this.#next = null;
    }
    const block = this.#current;
    if (block === null) return null;
    const id = block.nextId++;
    if (this.#next === null && block.endId - block.nextId <= block.size * refillShare) {
      // An error is ignored here: a request that finds the block used up will fetch again and get the error.
      this.#fetch().catch(() => {});
    }
    return id;
  }

  #fetch(): Promise<void> {
    this.#fetching ??= this.#allocate().finally(() => {
      this.#fetching = null;
    });
    return this.#fetching;
  }

  async #allocate(): Promise<void> {
    const response = await this.#controller
      .request(
        AllocateProducerIdsRequest,
        AllocateProducerIdsResponse,
        0,
        { brokerId: this.#nodeId, brokerEpoch: this.#epoch() ?? brokerEpoch(-1) },
        { deadlineMs },
      )
      .catch(() => {
        throw new KafkaError(Errors.COORDINATOR_LOAD_IN_PROGRESS);
      });
    if (response.errorCode !== 0 || response.producerIdLen <= 0) {
      throw new KafkaError(Errors.COORDINATOR_LOAD_IN_PROGRESS, errorOf(response.errorCode).message);
    }
    const { producerIdStart, producerIdLen } = response;
    this.#next = { nextId: producerIdStart, endId: producerIdStart + producerIdLen, size: producerIdLen };
  }
}
