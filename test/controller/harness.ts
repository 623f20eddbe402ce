/**
 * A controller for tests, without a metadata log. Each operation is carried out at once and its records are replayed into the
 * state, as the controller driver does after they are committed.
 */
import type { NodeId } from '../../src/base/ids.ts';
import { nodeId } from '../../src/base/ids.ts';
import type { Random } from '../../src/base/random.ts';
import { ActiveController } from '../../src/controller/active-controller.ts';
import { unlimitedMutations } from '../../src/controller/state.ts';
import type { ConfigRules } from '../../src/controller/config-rules.ts';
import type { ControllerRequests } from '../../src/controller/requests.ts';
import { controllerRequests } from '../../src/controller/requests.ts';
import type { ControllerSettings, ControllerState, Operation } from '../../src/controller/state.ts';
import type { MetadataImage } from '../../src/metadata/image.ts';
import { emptyImage } from '../../src/metadata/image.ts';
import type { MetadataRecord } from '../../src/metadata/records.ts';
import { record } from '../../src/metadata/records.ts';
import type { PartitionImage } from '../../src/metadata/topics-image.ts';
import { create } from '../../src/protocol/codec/codec.ts';
import { Errors, KafkaError } from '../../src/protocol/errors.ts';
import type { Infer, Init, Message } from '../../src/protocol/schema/fields.ts';

export function seededRandom(seed: number): Random {
  let state = seed >>> 0 || 1;
  const u32 = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
  return { u32, bytes: (count) => Uint8Array.from({ length: count }, () => u32() & 255) };
}

const levels = new Map([
  ['metadata.version', 30],
  ['eligible.leader.replicas.version', 1],
]);

export const testSettings: ControllerSettings = {
  nodeId: nodeId(1),
  clusterId: 'cluster',
  sessionTimeoutMs: 9000,
  defaultReplicationFactor: 1,
  defaultPartitionCount: 1,
  deleteTopicEnable: true,
  minInsyncReplicas: 1,
  uncleanLeaderElectionEnable: false,
  leaderRebalanceIntervalMs: null,
  supportedFeatures: new Map([
    ['metadata.version', { min: 7, max: 30 }],
    ['eligible.leader.replicas.version', { min: 0, max: 1 }],
    ['transaction.version', { min: 0, max: 2 }],
  ]),
  voters: () => [],
  scramKeys: () => ({ storedKey: new Uint8Array([1]), serverKey: new Uint8Array([2]) }),
};

/** Configuration rules for these tests. They know only `retention.ms`, `cleanup.policy` (a list) and `min.insync.replicas`. */
export const testRules: ConfigRules = {
  checkTopic: (values) => {
    for (const key of values.keys()) {
      if (key.startsWith('no.such'))
        throw new KafkaError(Errors.INVALID_CONFIG, `Unknown topic config name: ${key}`);
    }
  },
  checkBroker: () => {},
  checkOther: () => {},
  alterList: (_type, key, current, operation, text) => {
    if (key !== 'cleanup.policy') {
      throw new KafkaError(
        Errors.INVALID_CONFIG,
        `Can't ${operation} to key ${key} because its type is not LIST.`,
      );
    }
    const elements = current === '' ? [] : current.split(',');
    return (operation === 'APPEND' ? [...elements, text] : elements.filter((one) => one !== text)).join(',');
  },
  defaultOf: () => 'delete',
  effectiveTopic: () => [],
};

type Key = keyof ControllerRequests;

export class TestController {
  nowMs = 0;
  mutations = unlimitedMutations;
  offset = 0;
  active: ActiveController;
  readonly #state: ControllerState;
  /** All records that the controller has written, in order. */
  readonly records: MetadataRecord[] = [];

  constructor(settings: Partial<ControllerSettings> = {}, seed = 7, elr = true) {
    const state: ControllerState = {
      image: emptyImage(),
      nextOffset: 0,
      settings: { ...testSettings, ...settings },
      rules: testRules,
      random: seededRandom(seed),
    };
    this.#state = state;
    this.active = new ActiveController(state, 0);
    const features = [...levels].filter(([name]) => elr || !name.startsWith('eligible'));
    this.run(
      this.active.bootstrap(
        features.map(([name, featureLevel]) => record('FeatureLevelRecord', { name, featureLevel })),
      ),
    );
  }

  get image(): MetadataImage {
    return this.active.image;
  }

  run<R>(operation: Operation<R>): R {
    for (;;) {
      const step = operation.next();
      if (step.done === true) return step.value;
      this.active.replay(step.value);
      this.records.push(...step.value);
      this.offset++;
      this.active.setNextOffset(this.offset);
    }
  }

  call<K extends Key>(
    key: K,
    init: Init<ControllerRequests[K]['request']>,
    apiVersion = controllerRequests[key].request.versions.max,
  ): Infer<ControllerRequests[K]['response']> {
    const request = create(controllerRequests[key].request as Message, init as Init<Message>);
    const operation = this.active.handle(key, request, {
      apiVersion,
      nowMs: this.nowMs,
      mutations: this.mutations,
    });
    return this.run(operation as Operation<Infer<ControllerRequests[K]['response']>>);
  }

  tick(nowMs = this.nowMs): void {
    this.nowMs = nowMs;
    this.run(this.active.tick(nowMs));
  }

  register(
    id: number,
    options: {
      incarnation?: number;
      rack?: string;
      previousBrokerEpoch?: number;
      logDirs?: string[];
      lostRecords?: Init<ControllerRequests[62]['request']>['lostRecords'];
    } = {},
  ): number {
    const { brokerEpoch } = this.call(62, {
      brokerId: id,
      clusterId: 'cluster',
      incarnationId: uuidOf(options.incarnation ?? id),
      listeners: [{ name: 'PLAINTEXT', host: 'localhost', port: 9000 + id, securityProtocol: 0 }],
      features: [
        { name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 30 },
        { name: 'eligible.leader.replicas.version', minSupportedVersion: 0, maxSupportedVersion: 1 },
        { name: 'transaction.version', minSupportedVersion: 0, maxSupportedVersion: 2 },
      ],
      rack: options.rack ?? null,
      logDirs: options.logDirs ?? [uuidOf(1000 + id)],
      previousBrokerEpoch: options.previousBrokerEpoch ?? -1,
      lostRecords: options.lostRecords ?? [],
    });
    return brokerEpoch;
  }

  epochOf(id: number): number {
    return this.image.cluster.brokers.get(nodeId(id))?.epoch ?? -1;
  }

  beat(
    id: number,
    want: {
      fence?: boolean;
      shutDown?: boolean;
      offset?: number;
      offline?: string[];
      cordoned?: string[];
    } = {},
  ): Infer<ControllerRequests[63]['response']> {
    return this.call(63, {
      brokerId: id,
      brokerEpoch: this.epochOf(id),
      currentMetadataOffset: want.offset ?? this.offset,
      wantFence: want.fence ?? false,
      wantShutDown: want.shutDown ?? false,
      offlineLogDirs: want.offline ?? [],
      cordonedLogDirs: want.cordoned ?? null,
    });
  }

  /** Registers these brokers and unfences them. */
  start(...ids: number[]): this {
    for (const id of ids) {
      this.register(id);
      this.beat(id);
    }
    return this;
  }

  /** Another controller becomes active. No broker is connected to it yet. */
  failOver(): void {
    this.active = new ActiveController(this.#state, this.nowMs);
    this.run(this.active.takeOver());
  }

  /** Ends the broker as `kill -9` does, without a controlled shutdown; the controller fences it. */
  kill(id: number): void {
    this.active.brokerStreamBroken(nodeId(id));
    this.active.brokerProcessEnded(nodeId(id));
    this.tick();
  }

  create(name: string, assignments: number[][], configs: Record<string, string> = {}): void {
    const response = this.call(19, {
      topics: [
        {
          name,
          numPartitions: -1,
          replicationFactor: -1,
          assignments: assignments.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        },
      ],
    });
    const [result] = response.topics;
    if (result?.errorCode !== 0) throw new Error(result?.errorMessage ?? 'not created');
  }

  partition(name: string, index = 0): PartitionImage {
    return this.image.topics.byName(name)?.partitions[index] as PartitionImage;
  }

  /** The fields of a partition that most tests compare. */
  shape(
    name: string,
    index = 0,
  ): { leader: number; isr: readonly number[]; elr: readonly number[]; last: readonly number[] } {
    const { leader, isr, elr, lastKnownElr } = this.partition(name, index);
    return { leader, isr, elr, last: lastKnownElr };
  }

  alterIsr(name: string, index: number, isr: number[]): Infer<ControllerRequests[56]['response']> {
    const partition = this.partition(name, index);
    return this.call(56, {
      brokerId: partition.leader,
      brokerEpoch: this.epochOf(partition.leader),
      topics: [
        {
          topicId: partition.topicId,
          partitions: [
            {
              partitionIndex: index,
              leaderEpoch: partition.leaderEpoch,
              newIsr: [],
              newIsrWithEpochs: isr.map((id) => ({ brokerId: id, brokerEpoch: this.epochOf(id) })),
              partitionEpoch: partition.partitionEpoch,
            },
          ],
        },
      ],
    });
  }
}

export function uuidOf(value: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const digits = [value >> 12, value >> 6, value].map((part) => alphabet[part & 63]).join('');
  return `${'B'.repeat(18)}${digits}A`;
}

export function ids(list: readonly NodeId[]): number[] {
  return [...list];
}
