/**
 * One replica that metadata assigns to this broker. It opens the replica's log, creates its `Partition`, and gives the
 * partition the role (leader or follower) that the newest metadata says. `reconcile` compares the actual with the wanted state
 * and takes the next step.
 *
 * Invariants: the log is opened once. A follower becomes leader only while no write and no truncation is in progress. A replica
 * that is to be removed is stopped first; its files are removed afterwards.
 */
import { mark } from '../../base/mark.ts';
import type { NodeId } from '../../base/ids.ts';
import { type Uuid, uuidZero } from '../../base/uuid.ts';
import type { TopicConfig } from '../../config/topic.ts';
import { noLeader, type PartitionImage, uuidUnassignedDirectory } from '../../metadata/topics-image.ts';
import type { ReplicaLog } from '../log-port.ts';
import { Partition } from '../partition.ts';
import type { PartitionContext } from '../partition-context.ts';

export interface HostContext extends PartitionContext {
  /**
   * Opens the log and calls `replica.opened` with it, perhaps before this function returns. Sets `replica.hasFailed` if it
   * cannot.
   */
  readonly openLog: (replica: HostedReplica) => Promise<void>;
  /**
   * Called when the partition has applied new metadata in place of `before`, or was stopped. `isNewRole`: its role or leader
   * epoch has changed.
   */
  readonly applied: (partition: Partition, isNewRole: boolean, before: PartitionImage | null) => void;
  readonly follow: (partition: Partition, leaderId: NodeId, leaderEpoch: number) => void;
  readonly unfollow: (partition: Partition) => void;
  /** Called when the replica's log is in `directory` but metadata names another one. */
  readonly assignDirectory: (replica: HostedReplica, directory: Uuid) => void;
  readonly directoryOf: (replica: HostedReplica) => Uuid | null;
}

export class HostedReplica {
  readonly topic: string;
  readonly topicId: Uuid;
  readonly index: number;
  /** The assignment in metadata; null when the replica is to be removed. */
  wanted: PartitionImage | null;
  config: TopicConfig;
  /**
   * Metadata assigned the replica to this broker after its registration, so no earlier incarnation of the broker has written
   * its log.
   */
  readonly isNew: boolean;
  partition: Partition | null = null;
  /** Settles when the log is open or could not be opened; null before it was requested. */
  opening: Promise<void> | null = null;
  /** The log could not be opened, for example because its directory is offline. */
  hasFailed = false;
  readonly #context: HostContext;
  #isWaiting = false;

  constructor(
    topic: string,
    image: PartitionImage,
    config: TopicConfig,
    isNew: boolean,
    context: HostContext,
  ) {
    this.topic = topic;
    this.topicId = image.topicId;
    this.index = image.index;
    this.wanted = image;
    this.config = config;
    this.isNew = isNew;
    this.#context = context;
  }

  get key(): string {
    return `${this.topicId}:${this.index}`;
  }

  opened(log: ReplicaLog): void {
    log.updateConfig(this.config);
    this.partition = new Partition(this, log, this.config, this.#context);
    this.reconcile();
  }

  /** The log directory that metadata names for this replica; null: none yet. */
  get directoryId(): Uuid | null {
    const { wanted } = this;
    const at = wanted?.replicas.indexOf(this.#context.localId) ?? -1;
    const assigned = wanted?.directories[at];
    if (assigned === undefined || assigned === uuidZero || assigned === uuidUnassignedDirectory) return null;
    return assigned;
  }

  /**
   * Reports the replica's log directory to the controller. When a directory fails, the controller uses this to find the
   * replicas that must lose their leadership.
   */
  #reportDirectory(): void {
    const directory = this.#context.directoryOf(this);
    if (directory !== null && directory !== this.directoryId) this.#context.assignDirectory(this, directory);
  }

  setConfig(config: TopicConfig): void {
    this.config = config;
    this.partition?.setConfig(config);
  }

  /** Takes one step towards the wanted role. */
  reconcile(): void {
    const { wanted, partition } = this;
    if (wanted === null || this.hasFailed) return;
    if (partition === null) {
      if (this.opening === null) this.opening = this.#context.openLog(this);
      return;
    }
    if (partition.applied === wanted) return;
    this.#reportDirectory();
    if (partition.isOffline) return;
    if (wanted.leader === this.#context.localId) this.#lead(partition, wanted);
    else this.#follow(partition, wanted);
  }

  #lead(partition: Partition, wanted: PartitionImage): void {
    // A follower waits until its writes have ended before it becomes leader. A leader that gets a new leader epoch does not
    // wait: it may have appends all the time, and its log writes them in order, the old epoch's first.
    if (!partition.isLeader && !partition.isQuiescent) {
      mark('replication.role-waits-for-quiet');
      this.#context.unfollow(partition);
      this.#wait(partition);
      return;
    }
    const isNewRole = !partition.isLeader || partition.leaderEpoch !== wanted.leaderEpoch;
    const before = partition.applied;
    this.#context.unfollow(partition);
    partition.becomeLeader(wanted);
    this.#context.applied(partition, isNewRole, before);
  }

  #follow(partition: Partition, wanted: PartitionImage): void {
    const isNewRole = !partition.isFollower || partition.leaderEpoch !== wanted.leaderEpoch;
    const before = partition.applied;
    if (isNewRole) partition.becomeFollower(wanted);
    else partition.applied = wanted;
    if (wanted.leader === noLeader) this.#context.unfollow(partition);
    else this.#context.follow(partition, wanted.leader, wanted.leaderEpoch);
    this.#context.applied(partition, isNewRole, before);
  }

  #wait(partition: Partition): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    partition.whenQuiescent(() => {
      this.#isWaiting = false;
      this.reconcile();
    });
  }

  /**
   * Ends the replica: it serves no more requests and streams. Resolves when no write or truncation of its log is in progress.
   */
  stop(): Promise<void> {
    this.wanted = null;
    const { partition } = this;
    if (partition === null) return Promise.resolve();
    this.#context.unfollow(partition);
    partition.stop();
    this.#context.applied(partition, true, partition.applied);
    return new Promise((resolve) => {
      partition.whenQuiescent(resolve);
    });
  }
}
