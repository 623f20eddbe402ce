/**
 * Functions with which a test waits for a state. Each queries the state again and again; the error of a time-out shows the last
 * one.
 */
import type { MetadataImage } from '../../metadata/image.ts';
import { isRetriable } from '../../client/retry.ts';
import { checkIntegers, checkNames, checkNode, checkTexts, type OptionNames } from './known-names.ts';
import type { TestClient } from './test-client.ts';
import type { TestNode } from './test-node.ts';
import type { Deadlines, WaitOptions } from './waits.ts';

/**
 * The state of a group to wait for.
 *
 * @example
 * ```ts
 * await kafka.wait.group('billing', { state: 'Stable', members: 2 });
 * ```
 */
export interface GroupWait extends WaitOptions {
  /** Kafka's name of the state, such as `'Stable'` or `'Empty'`. */
  readonly state?: string;
  readonly members?: number;
  /**
   * The largest lag on `topic`: the number of records after the committed offsets that a read_committed consumer would read.
   */
  readonly lag?: number;
  /** The topic for `lag`. */
  readonly topic?: string;
}

/**
 * The leader of a partition to wait for.
 *
 * @example
 * ```ts
 * await kafka.wait.leader('orders', 0, { not: 1 });
 * ```
 */
export interface LeaderWait extends WaitOptions {
  /** Wait until this node leads. */
  readonly is?: number;
  /** Wait until a node other than this one leads. */
  readonly not?: number;
}

/**
 * Options of a wait for the test's own condition.
 *
 * @example
 * ```ts
 * await kafka.wait.until(() => kafka.requests.count({ api: 'Fetch' }) > 3, { what: 'the consumer polls' });
 * ```
 */
export interface UntilOptions extends WaitOptions {
  /** Describes the condition in the error of a wait that timed out. */
  readonly what?: string;
}

/** The states of groups of both protocols. */
const groupStates = [
  'Empty',
  'PreparingRebalance',
  'CompletingRebalance',
  'Assigning',
  'Reconciling',
  'Stable',
  'Dead',
];

/** States of a group without members; in all others it has some. */
const memberless = ['Empty', 'Dead'];

const groupWaitNames: OptionNames<GroupWait> = {
  state: true,
  members: true,
  lag: true,
  topic: true,
  timeout: true,
};
const waitNames: OptionNames<WaitOptions> = { timeout: true };
const leaderWaitNames: OptionNames<LeaderWait> = { is: true, not: true, timeout: true };
const untilNames: OptionNames<UntilOptions> = { what: true, timeout: true };

interface Sources {
  readonly deadlines: Deadlines;
  readonly client: () => TestClient;
  readonly image: () => MetadataImage | null;
  readonly nodes: () => readonly TestNode[];
}

/**
 * Waits for states of the cluster, each with a deadline.
 *
 * @example
 * ```ts
 * await kafka.wait.group('billing', { members: 2, topic: 'orders', lag: 0 });
 * await kafka.wait.leader('orders', 0, { not: 1, timeout: '5s' });
 * ```
 */
export class ClusterWaits {
  private readonly sources: Sources;

  /** @internal */
  constructor(sources: Sources) {
    this.sources = sources;
  }

  /** Waits until a group has the given state, number of members and lag; by default until it is Stable. */
  async group(id: string, wanted: GroupWait = {}): Promise<void> {
    checkNames('wait.group', wanted, groupWaitNames);
    const { state = wanted.members === undefined && wanted.lag === undefined ? 'Stable' : undefined } =
      wanted;
    const { members, lag, topic } = wanted;
    if ((lag === undefined) !== (topic === undefined))
      throw new TypeError(
        "wait.group: 'lag' and the topic that it is about go together: { lag: 0, topic: 'orders' }.",
      );
    if (state !== undefined && !groupStates.includes(state))
      throw new TypeError(
        `wait.group: '${state}' is not a state of a group; states are ${groupStates.join(', ')}.`,
      );
    checkIntegers('wait.group', { members, lag });
    if (state !== undefined && members !== undefined && memberless.includes(state) !== (members === 0))
      throw new TypeError(`wait.group: a group that is ${state} never has ${members} members.`);
    let seen = 'nothing yet';
    const what = `group ${id} is ${JSON.stringify({ state, members, lag, topic })}`;
    await this.sources.deadlines.until(
      what,
      wanted.timeout,
      looking(
        async () => {
          const group = await this.sources.client().group(id);
          const behind = topic === undefined ? null : await this.lag(id, topic, lag ?? 0);
          const lagSeen = behind?.isAll === false ? `${behind.count} or more` : behind?.count;
          seen = JSON.stringify({ ...group, lag: lagSeen });
          const isSo =
            (state === undefined || group.state === state) &&
            (members === undefined || group.members === members) &&
            (lag === undefined || (behind?.count ?? 0) <= lag);
          return isSo ? true : undefined;
        },
        (trouble) => {
          seen = trouble;
        },
      ),
      () => seen,
    );
  }

  /**
   * Waits until each partition of a topic (or of all topics) has a leader, and all nodes with its replicas run and are in its
   * ISR.
   */
  async inSync(topic?: string, options: WaitOptions = {}): Promise<void> {
    checkNames('wait.inSync', options, waitNames);
    let seen = 'no node has metadata';
    await this.sources.deadlines.until(
      `${topic ?? 'every topic'} is in sync`,
      options.timeout,
      () => {
        const image = this.sources.image();
        if (image === null) return undefined;
        const topics = [...image.topics.all()];
        const wanted = topic === undefined ? topics : topics.filter(({ name }) => name === topic);
        if (topic !== undefined && wanted.length === 0) {
          seen = `there is no topic ${topic}`;
          return undefined;
        }
        // A killed node stays in the ISR until its session ends, so the ISR alone does not tell which nodes run.
        const runs = new Set(
          this.sources.nodes().flatMap(({ id, state }) => (state === 'running' ? id : [])),
        );
        const lacking = wanted.flatMap(({ name, partitions }) =>
          partitions.flatMap(({ leader, isr, replicas }, index) =>
            leader >= 0 && isr.length === replicas.length && isr.every((id) => runs.has(id))
              ? []
              : `${name}-${index} leader ${leader} isr ${isr.join(',')} of ${replicas.join(',')}`,
          ),
        );
        seen = lacking.join('; ');
        return lacking.length === 0 ? true : undefined;
      },
      () => seen,
    );
  }

  /** Waits until a partition has a leader that runs, and that is as the options require. Returns the leader's id. */
  async leader(topic: string, partition = 0, options: LeaderWait = {}): Promise<number> {
    checkNames('wait.leader', options, leaderWaitNames);
    let seen = 'no node has metadata';
    const { is, not } = options;
    for (const id of [is, not]) if (id !== undefined) checkNode(id, this.sources.nodes().length);
    if (is !== undefined && is === not)
      throw new TypeError(`wait.leader: node ${is} can't both be the leader and not be the leader.`);
    return this.sources.deadlines.until(
      `${topic}-${partition} has a leader${is === undefined ? '' : `, node ${is}`}${not === undefined ? '' : `, not node ${not}`}`,
      options.timeout,
      () => {
        const image = this.sources.image();
        if (image === null) return undefined;
        const leader = image.topics.byName(topic)?.partitions[partition]?.leader;
        if (leader === undefined) {
          seen = `there is no partition ${topic}-${partition}`;
          return undefined;
        }
        const node = this.sources.nodes().find(({ id }) => id === leader);
        seen = node === undefined ? 'it has no leader' : `leader ${leader}, which is ${node.state}`;
        const isSo = (is === undefined || leader === is) && leader !== not;
        return node?.state === 'running' && isSo ? leader : undefined;
      },
      () => seen,
    );
  }

  /** Waits until the log end offsets of a topic add up to at least `count`. */
  async offsets(topic: string, count: number, options: WaitOptions = {}): Promise<void> {
    checkNames('wait.offsets', options, waitNames);
    checkIntegers('wait.offsets', { count });
    let seen = 'nothing yet';
    await this.sources.deadlines.until(
      `${topic} has ${count} records`,
      options.timeout,
      looking(
        async () => {
          const offsets = await this.sources.client().offsets(topic);
          const sum = [...offsets.values()].reduce((total, { end }) => total + end, 0);
          seen = `${sum} records`;
          return sum >= count ? true : undefined;
        },
        (trouble) => {
          seen = trouble;
        },
      ),
      () => seen,
    );
  }

  /** Waits until a condition of the test returns a truthy value, and returns that value. */
  async until<T>(condition: () => T | Promise<T>, options: UntilOptions = {}): Promise<T> {
    checkNames('wait.until', options, untilNames);
    checkTexts('wait.until', { what: options.what });
    if (typeof condition !== 'function') throw new TypeError('wait.until: the condition must be a function.');
    return this.sources.deadlines.until(options.what ?? 'the condition holds', options.timeout, async () => {
      const value = await condition();
      return value ? value : undefined;
    });
  }

  /**
   * The number of records of a topic that the group has still to read; counting stops when there are more than `most`. Only if
   * the committed offsets are below the log end are records read: transaction markers and removed records have offsets too.
   */
  private async lag(id: string, topic: string, most: number): Promise<{ count: number; isAll: boolean }> {
    const client = this.sources.client();
    const [ends, committed] = [await client.offsets(topic), await client.committed(id, topic)];
    const isRead = [...ends].every(
      ([partition, { start, end }]) => end <= Math.max(start, committed.get(partition) ?? 0),
    );
    return isRead ? { count: 0, isAll: true } : client.unread(topic, committed, most);
  }
}

/**
 * A query that returns undefined instead of throwing when a later query may succeed: a node has ended, a coordinator moves, or
 * a topic does not exist yet. `troubled` gets the error's text.
 */
function looking<T>(
  look: () => Promise<T | undefined>,
  troubled: (text: string) => void,
): () => Promise<T | undefined> {
  return async () => {
    try {
      return await look();
    } catch (error) {
      if (!isRetriable(error)) throw error;
      troubled((error as Error).message);
      return undefined;
    }
  };
}
