/**
 * Creates topics that are needed but do not exist, for a client's Metadata request or for a coordinator. The settings of
 * internal topics come from this broker's configuration. For other topics the controller chooses what this broker's properties
 * file does not set. For each name at most one creation is in progress, even if many requests need the topic.
 */
import type { NodeConfig } from '../config/node-config.ts';
import { type ErrorRow, Errors, errorOf, errorRowOf } from '../protocol/errors.ts';
import { CreateTopicsRequest, CreateTopicsResponse } from '../protocol/messages/topics/19-create-topics.ts';
import type { ControllerClient, ControllerRequestOptions } from '../metadata/controller-port.ts';
import { offsetsTopic, transactionStateTopic } from '../metadata/internal-topics.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ImageWatch } from './image-watch.ts';
import { autoCreateWaitMs } from './limits.ts';

export interface TopicCreatorOptions {
  readonly config: NodeConfig;
  readonly controller: ControllerClient;
  readonly imageWatch: ImageWatch;
  readonly logger: Logger;
}

interface NewTopic {
  readonly name: string;
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly assignments: readonly never[];
  readonly configs: readonly { readonly name: string; readonly value: string }[];
}

const createTopicsVersion = 7;
const controllerDeadlineMs = 10_000;

/** The client whose quota on topic changes applies; empty for the broker itself. */
export type TopicCreatorClient = Pick<ControllerRequestOptions, 'principal' | 'clientId'>;

export class TopicCreator {
  readonly #options: TopicCreatorOptions;
  readonly #underWay = new Map<string, Promise<ErrorRow>>();

  constructor(options: TopicCreatorOptions) {
    this.#options = options;
  }

  /**
   * Creates a topic, for a client or for the broker itself. Resolves to NONE when this broker's image has the topic, otherwise
   * to the error. Never rejects.
   */
  create(name: string, client: TopicCreatorClient = {}): Promise<ErrorRow> {
    let creation = this.#underWay.get(name);
    if (creation === undefined) {
      creation = this.#create(name, client).finally(() => this.#underWay.delete(name));
      this.#underWay.set(name, creation);
    }
    return creation;
  }

  async #create(name: string, client: TopicCreatorClient): Promise<ErrorRow> {
    const { controller, imageWatch, logger } = this.#options;
    try {
      const response = await controller.request(
        CreateTopicsRequest,
        CreateTopicsResponse,
        createTopicsVersion,
        { topics: [this.#settings(name)], timeoutMs: controllerDeadlineMs, validateOnly: false },
        { deadlineMs: controllerDeadlineMs, ...client },
      );
      const result = response.topics[0];
      const error = errorOf(result?.errorCode ?? Errors.UNKNOWN_SERVER_ERROR.code);
      if (error !== Errors.NONE && error !== Errors.TOPIC_ALREADY_EXISTS) {
        logger.warn('automatic creation of a topic failed', {
          topic: name,
          error: error.name,
          message: result?.errorMessage,
        });
        // Old clients do not know this error; all of them ask again for an unknown topic.
        return error === Errors.THROTTLING_QUOTA_EXCEEDED ? Errors.UNKNOWN_TOPIC_OR_PARTITION : error;
      }
    } catch (error) {
      logger.warn('automatic creation of a topic failed', { topic: name, error });
      return errorRowOf(error);
    }
    const shown = await imageWatch.until(
      (image) => image.topics.byName(name) !== undefined,
      autoCreateWaitMs,
    );
    return shown ? Errors.NONE : Errors.UNKNOWN_TOPIC_OR_PARTITION;
  }

  #settings(name: string): NewTopic {
    const { config } = this.#options;
    if (name === offsetsTopic) {
      return topic(
        name,
        config.get('offsets.topic.num.partitions'),
        config.get('offsets.topic.replication.factor'),
        [
          { name: 'compression.type', value: 'producer' },
          { name: 'cleanup.policy', value: 'compact' },
          { name: 'segment.bytes', value: String(config.get('offsets.topic.segment.bytes')) },
        ],
      );
    }
    if (name === transactionStateTopic) {
      return topic(
        name,
        config.get('transaction.state.log.num.partitions'),
        config.get('transaction.state.log.replication.factor'),
        [
          { name: 'compression.type', value: 'uncompressed' },
          { name: 'cleanup.policy', value: 'compact' },
          { name: 'min.insync.replicas', value: String(config.get('transaction.state.log.min.isr')) },
          { name: 'segment.bytes', value: String(config.get('transaction.state.log.segment.bytes')) },
          { name: 'unclean.leader.election.enable', value: 'false' },
        ],
      );
    }
    // KIP-1211: the controller chooses what this broker's properties file does not set.
    const ownSetting = (key: 'num.partitions' | 'default.replication.factor'): number =>
      config.originals.has(key) ? config.get(key) : -1;
    return topic(name, ownSetting('num.partitions'), ownSetting('default.replication.factor'), []);
  }
}

function topic(
  name: string,
  numPartitions: number,
  replicationFactor: number,
  configs: readonly { readonly name: string; readonly value: string }[],
): NewTopic {
  return { name, numPartitions, replicationFactor, assignments: [], configs };
}
