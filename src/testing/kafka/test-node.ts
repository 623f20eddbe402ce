/** One node of a test cluster over all its incarnations: the production node, with the storage, network and time of the test. */
import { createSystemRandom } from '../../adapters/random.ts';
import type { RequestInterceptor } from '../../broker/pipeline/interceptor.ts';
import { NodeConfig } from '../../config/node-config.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import { Node } from '../../server/node.ts';
import type { ClientDoor } from './client-door.ts';
import { Life } from './life.ts';
import { DiskFaults, nodeDisk } from './node-disk.ts';
import type { LogRing } from './node-log.ts';
import type { NodeStorage } from './node-storage.ts';
import type { PeerHub } from './peer-hub.ts';
import type { TestTime } from './time.ts';

/** Memory of a node for recent batches. A production node has 64 MiB. */
const tailCacheBytes = 16 * 1024 * 1024;

export interface TestNodeOptions {
  readonly id: number;
  readonly properties: ReadonlyMap<string, string>;
  readonly door: ClientDoor;
  readonly storage: NodeStorage;
  readonly hub: PeerHub;
  readonly time: TestTime;
  readonly log: LogRing;
  readonly interceptor: RequestInterceptor;
}

/**
 * `failed`: the node ended by itself, for example because the disk of its metadata log failed.
 *
 * @example
 * ```ts
 * await kafka.wait.until(() => kafka.node(2).state === 'running');
 * ```
 */
export type NodeState = 'running' | 'starting' | 'paused' | 'stopping' | 'down' | 'failed';

/**
 * A node of the cluster: its state, and operations on it.
 *
 * @example
 * ```ts
 * const node = kafka.node(2);
 * node.pause();
 * node.resume();
 * await node.restart();
 * ```
 */
export class TestNode {
  readonly id: number;
  /** The disk faults of this node. */
  readonly diskFaults: DiskFaults;
  /** Why the node ended by itself, as its process would have. */
  failure: unknown = null;
  private readonly options: TestNodeOptions;
  private life: Life | null = null;
  private node: Node | null = null;
  private phase: 'down' | 'starting' | 'running' | 'stopping' = 'down';

  /** @internal */
  constructor(options: TestNodeOptions) {
    this.id = options.id;
    this.options = options;
    this.diskFaults = new DiskFaults(options.time);
  }

  get state(): NodeState {
    if (this.failure !== null) return 'failed';
    return this.life?.isPaused === true ? 'paused' : this.phase;
  }

  /** This node's newest log lines. */
  get log(): readonly string[] {
    return this.options.log.tail(Number.MAX_SAFE_INTEGER, this.id);
  }

  /** @internal The node's metadata image; null when it is down. */
  get image(): MetadataImage | null {
    return this.node?.image ?? null;
  }

  /** @internal The epoch in which this node believes that it leads the metadata quorum; a higher epoch is newer. */
  get leadingEpoch(): number {
    const leader = this.node?.leader ?? null;
    return leader !== null && leader.id === this.id ? leader.epoch : -1;
  }

  /** Starts the node if it is down; resolves when it handles client requests. */
  async start(): Promise<void> {
    if (this.phase !== 'down') return;
    const { id, properties, door, storage, hub, time, log, interceptor } = this.options;
    await door.bind();
    const life = new Life(time);
    const node = new Node(new NodeConfig(properties), {
      tailCacheBytesMax: tailCacheBytes,
      clock: life,
      scheduler: life,
      random: createSystemRandom(),
      fs: nodeDisk(storage.disk, life, this.diskFaults),
      network: door.networkFor(life),
      peers: hub.join(id, life),
      logger: log.logger(id, () => life.wallMs()),
      interceptor,
      hostName: door.address.host,
      openRaftStore: (directory) => storage.openRaftStore(directory, life, this.diskFaults),
      onFatal: (error) => void this.died(life, error),
    });
    this.failure = null;
    this.life = life;
    this.node = node;
    this.phase = 'starting';
    await node.start();
    if (this.life === life) this.phase = 'running';
  }

  /** Ends the node at once, as `kill -9` does. What it had written stays. */
  async kill(): Promise<void> {
    const { life } = this;
    if (life === null) return;
    this.life = null;
    this.node = null;
    this.phase = 'down';
    life.end();
    this.options.storage.killed();
    await this.options.door.close();
  }

  /** Stops the node as SIGTERM does: it hands over its leaderships, then closes its logs. */
  async stop(): Promise<void> {
    const { node } = this;
    if (node === null) return;
    if (this.phase === 'running') this.phase = 'stopping';
    await node.stop();
    await this.kill();
  }

  /** `stop`, then `start`. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Pauses the node, as SIGSTOP does: connections stay open and no request is handled. */
  pause(): void {
    this.life?.pause();
  }

  /** Ends a `pause`. */
  resume(): void {
    this.life?.resume();
  }

  private async died(life: Life, error: unknown): Promise<void> {
    if (this.life !== life) return;
    await this.kill();
    this.failure = error;
  }
}
