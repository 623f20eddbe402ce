/**
 * Clients that create, delete and probe topics and change a configuration, and the check that their responses are linearizable
 * (I41). For each request the newest metadata offset on any node is noted when it is sent and when its response arrives. A
 * change must have taken effect between these two offsets; a state that was read must have existed at one of the offsets
 * between them. A missing response proves nothing.
 *
 * A request must be carried out once. So the request that created a topic must not get TOPIC_ALREADY_EXISTS, and the one that
 * deleted it must not get UNKNOWN_TOPIC_OR_PARTITION. One case is allowed: when the active controller changes before the
 * response is sent, the broker sends the request again, and the new controller does not know that an earlier one has carried it
 * out.
 */
import { uuidZero } from '../../base/uuid.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { Errors } from '../../protocol/errors.ts';
import {
  CreateTopicsRequest,
  CreateTopicsResponse,
} from '../../protocol/messages/topics/19-create-topics.ts';
import {
  DeleteTopicsRequest,
  DeleteTopicsResponse,
} from '../../protocol/messages/topics/20-delete-topics.ts';
import {
  ElectLeadersRequest,
  ElectLeadersResponse,
} from '../../protocol/messages/topics/43-elect-leaders.ts';
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '../../protocol/messages/configs/44-incremental-alter-configs.ts';
import type { SeededRandom } from '../../simulation/random.ts';
import { type Span, type TimeLine, type TopicLife, watchedSetting } from './time-line.ts';
import type { Verdict } from './verdict.ts';

const invariant = 'I41 linearizable metadata';
const timeoutMs = 2_500;
const topicResource = 2;
const { code: exists } = Errors.TOPIC_ALREADY_EXISTS;
const { code: unknownTopic } = Errors.UNKNOWN_TOPIC_OR_PARTITION;
const { code: timedOut } = Errors.REQUEST_TIMED_OUT;
const serialMin = 1_000_000;

interface Operation {
  readonly kind: 'create' | 'delete' | 'probe' | 'set';
  /** The topic, or the new value of the configuration. */
  readonly name: string;
  /** The newest metadata offset on any node when the request was sent (`floor`), and when the response arrived (`ceiling`). */
  readonly floor: number;
  ceiling: number;
  /** The newest controller epoch at these two times. */
  readonly floorEpoch: number;
  ceilingEpoch: number;
  /** Error code of the response; null when none came. */
  code: number | null;
  topicId: string;
}

/** The newest offset and epoch of the metadata log in any node's image. */
interface Newest {
  readonly newestOffset: number;
  readonly newestEpoch: number;
}

export class MetadataOperations {
  readonly operations: Operation[] = [];
  private readonly timeLine: TimeLine;
  private readonly newest: Newest;
  private serial = serialMin;

  constructor(timeLine: TimeLine, newest: Newest) {
    this.timeLine = timeLine;
    this.newest = newest;
  }

  /** Makes one random operation. Each actor has its own topic names. */
  async step(client: KafkaClient, random: SeededRandom, actor: number): Promise<void> {
    const name = `t${actor}-${random.u32() % 3}`;
    const dice = random.fraction();
    if (dice < 0.3) await this.create(client, name, random);
    else if (dice < 0.55) await this.remove(client, name);
    else if (dice < 0.75) await this.probe(client, name);
    else if (dice < 0.9 && actor === 0) await this.set(client);
    else await this.elect(client);
  }

  /** Checks all responses. Called at the end, when the images of all nodes were seen. */
  check(verdict: Verdict): void {
    const deaths = new Set<TopicLife>();
    const births = new Set<string>();
    for (const operation of this.operations) {
      const problem = this.problemOf(operation, deaths, births);
      if (problem !== null) {
        const { kind, name, floor, ceiling, floorEpoch, ceilingEpoch, code } = operation;
        const window = `offsets ${floor}..${ceiling}, controller epochs ${floorEpoch}..${ceilingEpoch}`;
        verdict.report(invariant, `${kind} ${name} over ${window}, code ${code}: ${problem}`);
      }
    }
    for (const { name, born, id } of this.timeLine.topics.values()) {
      if (!/^t\d/.test(name)) continue;
      const asked = this.operations.some(
        (one) => one.kind === 'create' && one.name === name && one.floor < born.by,
      );
      if (!asked) verdict.report(invariant, `no client requested topic ${name} (${id})`);
    }
  }

  private problemOf(operation: Operation, deaths: Set<TopicLife>, births: Set<string>): string | null {
    const { kind, name, code } = operation;
    if (code === null) return null;
    if (kind === 'set') {
      if (code !== 0) return null;
      const span = this.timeLine.settings.get(name);
      if (span === undefined && this.mayBeOverwritten(operation)) return null;
      return span === undefined || !isWithin(span, operation) ? `it shows ${textOf(span)}` : null;
    }
    if (code === exists) return this.problemOfExistence(operation);
    if (kind === 'probe') return code === 0 && this.mustExist(operation) ? 'the topic existed' : null;
    if (kind === 'create') return code === 0 ? this.problemOfCreation(operation, births) : null;
    if (code === unknownTopic) return this.problemOfAbsence(operation);
    if (code !== 0) return null;
    const life = this.livesOf(name).find(
      (one) => !deaths.has(one) && one.died !== null && isWithin(one.died, operation),
    );
    if (life === undefined) {
      if (this.mayHavePassed(operation)) return null;
      const spans = this.livesOf(name).map(({ died }) => textOf(died ?? undefined));
      return `no topic was deleted then; topics of that name were deleted ${spans.join(', ')}`;
    }
    deaths.add(life);
    return null;
  }

  /** Whether the topic may have been created and deleted between two images, so that no image has shown it. */
  private mayHavePassed({ name, topicId, ceiling }: Operation): boolean {
    if (topicId === '' || topicId === uuidZero || this.timeLine.topics.has(topicId)) return false;
    return this.operations.some(
      (one) => one.kind === 'create' && one.name === name && one.code !== 0 && one.floor < ceiling,
    );
  }

  /**
   * Whether no image may have shown the value, because a request that a broker sent again has replaced it in the same log
   * entry.
   */
  private mayBeOverwritten(operation: Operation): boolean {
    return this.operations.some(({ kind, name, code }) => {
      const span = this.timeLine.settings.get(name);
      return kind === 'set' && code === null && span !== undefined && isWithin(span, operation);
    });
  }

  private problemOfCreation(operation: Operation, births: Set<string>): string | null {
    const { topicId, name } = operation;
    const life = this.timeLine.topics.get(topicId);
    if (births.has(topicId)) return `${topicId} was created twice`;
    births.add(topicId);
    if (life === undefined || life.name !== name) return `topic ${topicId} never came`;
    return isWithin(life.born, operation) ? null : `it came ${textOf(life.born)}`;
  }

  private problemOfExistence(operation: Operation): string | null {
    if (!this.mayExist(operation)) return 'there was no such topic';
    if (operation.kind !== 'create') return null;
    const { name, floor, ceiling } = operation;
    const isExplained = this.livesOf(name).some(
      (life) =>
        mayOverlap(life, operation) &&
        (life.born.by <= floor ||
          this.mayBeOfAnother(operation, life, life.born) ||
          hasNewController(operation, life.born)),
    );
    return isExplained ? null : `this very request created it between ${floor} and ${ceiling}`;
  }

  private problemOfAbsence(operation: Operation): string | null {
    if (this.mustExist(operation)) return 'the topic existed';
    const { name, floor } = operation;
    const there = this.livesOf(name).find(
      ({ born, died }) => born.by <= floor && (died === null || died.after >= floor),
    );
    if (there === undefined || there.died === null) return null;
    if (this.mayBeOfAnother(operation, there, there.died)) return null;
    return hasNewController(operation, there.died) ? null : 'this very request deleted it';
  }

  /** Whether another request of the same kind may have made this change. */
  private mayBeOfAnother(operation: Operation, { id }: TopicLife, change: Span): boolean {
    const { kind, name } = operation;
    return this.operations.some((other) => {
      if (other === operation || other.kind !== kind || other.name !== name) return false;
      if (other.floor >= change.by) return false;
      return other.code === 0 ? other.topicId === id : isInDoubt(other);
    });
  }

  private livesOf(name: string): TopicLife[] {
    return [...this.timeLine.topics.values()].filter((life) => life.name === name);
  }

  /** Whether the topic may have existed at one of the operation's offsets. */
  private mayExist(operation: Operation): boolean {
    return this.livesOf(operation.name).some((life) => mayOverlap(life, operation));
  }

  /** Whether the topic certainly existed at all of the operation's offsets. */
  private mustExist({ name, floor, ceiling }: Operation): boolean {
    return this.livesOf(name).some(
      ({ born, died }) => born.by <= floor && (died === null || died.after >= ceiling),
    );
  }

  private async run(
    kind: Operation['kind'],
    name: string,
    ask: () => Promise<{ code: number; topicId?: string }>,
  ): Promise<void> {
    const operation: Operation = {
      kind,
      name,
      floor: this.newest.newestOffset,
      ceiling: -1,
      floorEpoch: this.newest.newestEpoch,
      ceilingEpoch: -1,
      code: null,
      topicId: '',
    };
    this.operations.push(operation);
    const { code, topicId } = await ask();
    operation.code = code;
    operation.topicId = topicId ?? '';
    operation.ceiling = this.newest.newestOffset;
    operation.ceilingEpoch = this.newest.newestEpoch;
  }

  create(client: KafkaClient, name: string, random: SeededRandom): Promise<void> {
    const numPartitions = 1 + (random.u32() % 2);
    return this.run('create', name, () => createTopic(client, name, numPartitions, false));
  }

  /** Asks whether the topic could be created (validateOnly), which reads the active controller's state. */
  private probe(client: KafkaClient, name: string): Promise<void> {
    return this.run('probe', name, () => createTopic(client, name, 1, true));
  }

  remove(client: KafkaClient, name: string): Promise<void> {
    return this.run('delete', name, async () => {
      const answer = await client.request(DeleteTopicsRequest, DeleteTopicsResponse, {
        topics: [{ name, topicId: uuidZero }],
        topicNames: [name],
        timeoutMs,
      });
      const topic = answer.responses[0];
      return { code: topic?.errorCode ?? -1, topicId: topic?.topicId ?? '' };
    });
  }

  private set(client: KafkaClient): Promise<void> {
    const value = String(this.serial++);
    return this.run('set', value, async () => {
      const answer = await client.request(IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, {
        resources: [
          {
            resourceType: topicResource,
            resourceName: watchedSetting.topic,
            configs: [{ name: watchedSetting.name, configOperation: 0, value }],
          },
        ],
        validateOnly: false,
      });
      return { code: answer.responses[0]?.errorCode ?? -1 };
    });
  }

  private async elect(client: KafkaClient): Promise<void> {
    await client.request(ElectLeadersRequest, ElectLeadersResponse, {
      electionType: 0,
      topicPartitions: null,
      timeoutMs,
    });
  }
}

async function createTopic(
  client: KafkaClient,
  name: string,
  numPartitions: number,
  validateOnly: boolean,
): Promise<{ code: number; topicId: string }> {
  const answer = await client.request(CreateTopicsRequest, CreateTopicsResponse, {
    topics: [{ name, numPartitions, replicationFactor: -1, assignments: [], configs: [] }],
    timeoutMs,
    validateOnly,
  });
  const topic = answer.topics[0];
  return { code: topic?.errorCode ?? -1, topicId: topic?.topicId ?? '' };
}

function mayOverlap({ born, died }: TopicLife, { floor, ceiling }: Operation): boolean {
  return born.after < ceiling && (died === null || died.by > floor);
}

/** Whether the response leaves open if the request was carried out, or will be. */
function isInDoubt({ code, floorEpoch, ceilingEpoch }: Operation): boolean {
  if (code === null || code === timedOut) return true;
  return (code === exists || code === unknownTopic) && ceilingEpoch > floorEpoch;
}

/** Whether the response may come from a later controller than the one that made the change. */
function hasNewController({ floorEpoch, ceilingEpoch }: Operation, change: Span): boolean {
  return ceilingEpoch > Math.max(floorEpoch, change.epoch);
}

function isWithin(span: Span, { floor, ceiling }: Operation): boolean {
  return span.by > floor && span.after < ceiling;
}

function textOf(span: Span | undefined): string {
  return span === undefined ? 'nowhere' : `after ${span.after} and by ${span.by}`;
}
