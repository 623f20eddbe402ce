/** For tests: a quorum of several Raft nodes in one process, with real LevelDB, real streams and real time. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { systemClock, systemScheduler } from '../../../src/adapters/clock.ts';
import { systemFileSystem } from '../../../src/adapters/file-system.ts';
import { LevelRaftStore } from '../../../src/adapters/leveldb/raft-store.ts';
import { createTransport, type Transport } from '../../../src/adapters/one-port.ts';
import { createSystemRandom } from '../../../src/adapters/random.ts';
import { nodeId } from '../../../src/base/ids.ts';
import type { Address } from '../../../src/base/network.ts';
import { randomUuid, type Uuid, uuidZero } from '../../../src/base/uuid.ts';
import type {
  CommittedEntry,
  LeaderView,
  MetadataLog,
  MetadataLogListener,
  MetadataSnapshot,
} from '../../../src/raft/api.ts';
import type { RaftOptions } from '../../../src/raft/state.ts';
import type { Voter } from '../../../src/raft/types.ts';
import { readInitialVoters, writeBootstrapFiles } from '../../../src/server/bootstrap-checkpoint.ts';
import { identityOf } from '../identity.ts';
import { openMetadataLog } from '../../../src/server/raft/open-metadata-log.ts';
import { type Logger, silentLogger } from '../../../src/telemetry/logger.ts';

export class Recorder implements MetadataLogListener {
  readonly events: string[] = [];
  readonly entries: CommittedEntry[] = [];
  snapshot: MetadataSnapshot | null = null;
  activeEpoch: number | null = null;

  onCommit(entries: readonly CommittedEntry[]): void {
    this.entries.push(...entries);
  }
  onSnapshot(snapshot: MetadataSnapshot): void {
    this.snapshot = snapshot;
    this.entries.length = 0;
    this.events.push(`snapshot ${snapshot.offset}`);
  }
  onLeaderChange(leader: LeaderView): void {
    this.events.push(`leader ${leader.id} ${leader.epoch}`);
  }
  onActivated(epoch: number): void {
    this.activeEpoch = epoch;
    this.events.push(`activated ${epoch}`);
  }
  onDeactivated(epoch: number): void {
    this.activeEpoch = null;
    this.events.push(`deactivated ${epoch}`);
  }
  payloads(): string[] {
    return this.entries.filter((entry) => entry.payload.length > 0).map((entry) => text(entry.payload));
  }
}

export interface TestNode {
  readonly id: number;
  readonly log: MetadataLog;
  readonly recorder: Recorder;
  readonly transport: Transport;
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

export function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

export async function eventually(what: string, condition: () => boolean, limitMs = 10_000): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export class TestQuorum {
  readonly directory: string;
  /** The cluster id of nodes that are started from now on. */
  clusterId: Uuid;
  readonly logged: string[] = [];
  readonly #dynamic: boolean;
  readonly voters: Voter[];
  readonly initialCount: number;
  /** The bootstrap servers of nodes that are started from now on. */
  bootstrap: Address[] = [];
  readonly directories: Map<number, Uuid>;
  readonly nodes = new Map<number, TestNode>();
  readonly fatal: unknown[] = [];
  readonly #tuning: Partial<RaftOptions>;
  readonly #reserved: Map<number, Transport>;

  private constructor(
    directory: string,
    voters: Voter[],
    reserved: Map<number, Transport>,
    tuning: Partial<RaftOptions>,
    dynamic: boolean,
    initialCount: number,
  ) {
    this.#dynamic = dynamic;
    this.initialCount = initialCount;
    if (dynamic) this.bootstrap = voters.slice(0, initialCount).flatMap(({ endpoints }) => endpoints);
    this.directory = directory;
    this.clusterId = randomUuid(createSystemRandom());
    this.voters = voters;
    this.directories = new Map(voters.map((voter) => [voter.id, randomUuid(createSystemRandom())]));
    this.#reserved = reserved;
    this.#tuning = tuning;
  }

  static async create(
    count: number,
    tuning: Partial<RaftOptions> = {},
    dynamic = false,
    initialCount = count,
  ): Promise<TestQuorum> {
    const directory = await mkdtemp(`${tmpdir()}/bendemann-raft-`);
    const voters: Voter[] = [];
    const reserved = new Map<number, Transport>();
    for (let id = 1; id <= count; id++) {
      const transport = createTransport({ logger: silentLogger });
      const listener = await transport.network.listen({ host: '127.0.0.1', port: 0 }, () => {});
      reserved.set(id, transport);
      const endpoints = [{ name: 'CONTROLLER', host: '127.0.0.1', port: listener.address.port }];
      voters.push({ id: nodeId(id), directoryId: uuidZero, endpoints });
    }
    return new TestQuorum(directory, voters, reserved, tuning, dynamic, initialCount);
  }

  /** The voters that are named when the nodes are formatted. The other nodes of a dynamic quorum have to be added. */
  get initialVoters(): Voter[] {
    return this.voters.slice(0, this.initialCount);
  }

  /** The entry of a node in the voter set of a dynamic quorum. */
  member(id: number): Voter {
    const voter = this.voters.find((one) => one.id === id);
    if (voter === undefined) throw new Error(`no member ${id}`);
    return { ...voter, directoryId: this.directories.get(id) ?? uuidZero };
  }

  /** Deletes all files of a stopped node, as if its disk were replaced by an empty one. */
  async wipe(id: number): Promise<void> {
    for (const path of [`${this.directory}/${id}`, this.#formatted(id)])
      await rm(path, { recursive: true, force: true });
    await rm(`${this.directory}/${id}.witness`, { force: true });
    this.directories.set(id, randomUuid(createSystemRandom()));
  }

  async start(id: number, asObserver = false): Promise<TestNode> {
    const transport = this.#reserved.get(id) ?? createTransport({ logger: silentLogger });
    const wasReserved = this.#reserved.delete(id);
    const voter = this.voters.find((one) => one.id === id);
    const endpoint = voter?.endpoints[0];
    if (!wasReserved && endpoint !== undefined) await transport.network.listen(endpoint, () => {});
    const directoryId = this.directories.get(id) ?? randomUuid(createSystemRandom());
    const store = asObserver ? null : this.#store(id, directoryId);
    if (this.#dynamic && wasReserved && !asObserver && id <= this.initialCount) await this.#format(id);
    const log = await openMetadataLog({
      identity: identityOf(id, {
        directoryId,
        clusterId: this.clusterId,
        bootId: createSystemRandom().u32(),
      }),
      voters: this.#dynamic ? await this.#formattedVoters(id) : this.voters,
      endpoints: voter?.endpoints ?? [],
      bootstrapServers: this.bootstrap,
      store,
      clock: systemClock,
      scheduler: systemScheduler,
      random: createSystemRandom(),
      peers: transport.peers,
      logger: this.#logger(),
      tuning: this.#tuning,
      onFatal: (error) => this.fatal.push(error),
    });
    const recorder = new Recorder();
    log.addListener(recorder);
    const node = { id, log, recorder, transport };
    this.nodes.set(id, node);
    await log.start();
    return node;
  }

  #store(id: number, directoryId: Uuid): LevelRaftStore {
    const directory = `${this.directory}/${id}`;
    return new LevelRaftStore({
      fs: systemFileSystem,
      directory,
      witnessPath: `${directory}.witness`,
      directoryId,
    });
  }

  /** Formats the directory of a node as `kafka-storage format --initial-controllers` does. */
  async #format(id: number): Promise<void> {
    const voters = this.initialVoters.map((voter) => this.member(voter.id));
    await writeBootstrapFiles(systemFileSystem, this.#formatted(id), [], voters, systemClock.wallMs());
  }

  #formatted(id: number): string {
    return `${this.directory}/${id}.formatted`;
  }

  async #formattedVoters(id: number): Promise<Voter[]> {
    return (await readInitialVoters(systemFileSystem, this.#formatted(id))) ?? [];
  }

  #logger(): Logger {
    const keep = (message: string, fields?: Record<string, unknown>): void => {
      this.logged.push(`${message} ${JSON.stringify(fields ?? {})}`);
    };
    return { debug() {}, info: keep, warn: keep, error: keep, child: () => this.#logger() };
  }

  async startAll(): Promise<TestNode[]> {
    return await Promise.all(this.voters.map((voter) => this.start(voter.id)));
  }

  async stop(id: number): Promise<void> {
    const node = this.nodes.get(id);
    this.nodes.delete(id);
    await node?.log.shutdown();
    await node?.transport.close();
  }

  active(): TestNode | undefined {
    return [...this.nodes.values()].find((node) => node.recorder.activeEpoch !== null);
  }

  async activated(): Promise<TestNode> {
    await eventually('a node is active', () => this.active() !== undefined);
    return this.active() as TestNode;
  }

  async propose(payload: string): Promise<number> {
    const node = await this.activated();
    return await node.log.propose(bytes(payload), node.recorder.activeEpoch as number);
  }

  async close(): Promise<void> {
    for (const id of [...this.nodes.keys()]) await this.stop(id);
    for (const transport of this.#reserved.values()) await transport.close();
    await rm(this.directory, { recursive: true, force: true });
    if (this.fatal.length > 0) throw this.fatal[0];
  }
}
