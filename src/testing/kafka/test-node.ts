/**
 * One node of a test cluster, which can be killed and started again: the production node, with storage, network and time of the
 * test.
 */
import { createSystemRandom } from '../../adapters/random.ts';
import type { Handler } from '../../broker/handler.ts';
import type { RequestInterceptor } from '../../broker/pipeline/interceptor.ts';
import { NodeConfig } from '../../config/node-config.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import { Node } from '../../server/node.ts';
import type { ClientDoor } from './client-door.ts';
import { Life } from './life.ts';
import { DiskFaults, nodeDisk, nodeRaftStore } from './node-disk.ts';
import type { LogRing } from './node-log.ts';
import type { NodeStorage } from './node-storage.ts';
import type { PeerHub } from './peer-hub.ts';
import type { TestTime } from './time.ts';

/** How many bytes of recent batches a node keeps in memory. A production node has 64 MiB. */
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
  /** Waits for a start or a stop, with a deadline. */
  readonly within: (what: string, work: Promise<void>) => Promise<void>;
  /** Throws when the cluster was closed. */
  readonly checkOpen: () => void;
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
  /** The error by which the node has ended by itself; null: it has not. */
  failure: unknown = null;
  private readonly options: TestNodeOptions;
  private life: Life | null = null;
  private node: Node | null = null;
  private phase: 'down' | 'starting' | 'running' | 'stopping' = 'down';
  private starting: Promise<void> | null = null;

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

  /** @internal The handlers of requests of clients; empty when it is down. */
  get handlers(): readonly Handler[] {
    return this.node?.clientHandlers ?? [];
  }

  /** @internal The epoch in which this node believes that it leads the metadata quorum; a higher epoch is newer. */
  get leadingEpoch(): number {
    const leader = this.node?.leader ?? null;
    return leader !== null && leader.id === this.id ? leader.epoch : -1;
  }

  /** Starts the node if it is down; resolves when it handles client requests. A manual clock is moved on until then. */
  async start(): Promise<void> {
    this.options.checkOpen();
    if (this.phase === 'running') return;
    if (this.phase === 'stopping')
      throw new Error(`Node ${this.id} is stopping: wait for stop() before start().`);
    this.starting ??= this.begin().finally(() => {
      this.starting = null;
    });
    await this.options.within(`node ${this.id} handles client requests`, this.starting);
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
    const { node, life } = this;
    if (node === null || life === null) return;
    if (life.isPaused) throw new Error(`Node ${this.id} is paused: resume() it before stop(), or kill() it.`);
    if (this.phase === 'running') this.phase = 'stopping';
    // The wait ends also when the node is killed while it stops.
    const ended = new Promise<void>((resolve) => void life.onEnd(resolve));
    await this.options.within(`node ${this.id} stops`, Promise.race([ended, node.stop()]));
    if (this.life === life) await this.kill();
  }

  /** `stop`, then `start`. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Pauses the node, as SIGSTOP does: connections stay open and no request is handled. */
  pause(): void {
    if (this.life === null)
      throw new Error(`Node ${this.id} is ${this.state}: only a node that runs can be paused.`);
    this.life.pause();
  }

  /** Ends a `pause`. */
  resume(): void {
    this.life?.resume();
  }

  private async begin(): Promise<void> {
    const { id, properties, door, storage, hub, time, log, interceptor } = this.options;
    const life = new Life(time);
    this.failure = null;
    this.life = life;
    this.phase = 'starting';
    const ended = new Promise<void>((_, reject) => {
      life.onEnd(() =>
        reject(new Error(`Node ${id} ended before it handled client requests${this.because()}.`)),
      );
    });
    // A rejection that nothing handles would end the test's process.
    ended.catch(() => {});
    try {
      await Promise.race([ended, door.bind()]);
      const node = new Node(new NodeConfig(properties), {
        tailCacheBytesMax: tailCacheBytes,
        clock: life,
        scheduler: life,
        clientScheduler: life.forClients,
        random: createSystemRandom(),
        fs: nodeDisk(storage.disk, life, this.diskFaults),
        network: door.networkFor(life),
        peers: hub.join(id, life),
        logger: log.logger(id, () => life.wallMs()),
        interceptor,
        hostName: door.address.host,
        openRaftStore: (directory) =>
          nodeRaftStore(storage.openRaftStore(directory, life), life, this.diskFaults),
        onFatal: (error) => void this.died(life, error),
      });
      this.node = node;
      await Promise.race([ended, node.start()]);
    } catch (error) {
      if (this.life === life) await this.died(life, error);
      throw error;
    }
    this.phase = 'running';
  }

  private because(): string {
    const { failure } = this;
    if (failure === null) return '';
    return `: ${failure instanceof Error ? failure.message : String(failure)}`;
  }

  private async died(life: Life, error: unknown): Promise<void> {
    if (this.life !== life) return;
    this.failure = error;
    await this.kill();
  }
}

/**
 * The node that is the active controller; of two that believe so after a cut, the one with the newer epoch. Undefined: none.
 */
export function activeController(nodes: readonly TestNode[]): TestNode | undefined {
  const leading = nodes.filter(({ leadingEpoch }) => leadingEpoch >= 0);
  return leading.sort((a, b) => b.leadingEpoch - a.leadingEpoch)[0];
}
