/**
 * Faults of the disks: they hang, fail, are full, or return wrong data. A node whose only log directory fails ends its process,
 * and starts again when the disk was repaired.
 */
import { DamagedStoreError } from '../../raft/store.ts';
import type { DiskOperation } from '../../simulation/disk.ts';
import { SeededRandom } from '../../simulation/random.ts';
import type { SimulatedCluster, SimulatedNode } from '../simulated-cluster.ts';
import type { Arm, Budget } from './budget.ts';
import type { PlannedFault } from './swarm.ts';

/** The current fault of a node's disk. */
interface Trouble {
  readonly fault: PlannedFault;
  /**
   * The permission to lose unsynced data, as after a failed sync, when the operating system drops unwritten data. Null: it
   * loses none.
   */
  readonly arm: Arm | null;
  hit: boolean;
}

const rebootMs = 50;
/** How many bytes of a log are lost at most; less than the size of any batch. */
const tailMaxBytes = 60;
/** The share of offset indexes of a node in which a bit flips. */
const indexPart = 0.5;

export class DiskFaults {
  private readonly cluster: SimulatedCluster;
  private readonly budget: Budget;
  private readonly bootLater: (node: SimulatedNode, afterMs: number) => void;
  private readonly troubles = new Map<SimulatedNode, Trouble>();
  /** Nodes of which one of several log directories has failed; they continue with the others. */
  private readonly broken = new Set<SimulatedNode>();
  /** Nodes with a flipped bit on their disk, and the function that flips it back. */
  private readonly rotten = new Map<SimulatedNode, { readonly flipBack: () => void; readonly arm: Arm }>();

  constructor(
    cluster: SimulatedCluster,
    budget: Budget,
    bootLater: (node: SimulatedNode, afterMs: number) => void,
  ) {
    this.cluster = cluster;
    this.budget = budget;
    this.bootLater = bootLater;
  }

  stall({ durationMs }: PlannedFault, node: SimulatedNode): string | null {
    const { delays, host } = node;
    delays.stalledUntilMs = Math.max(delays.stalledUntilMs, this.cluster.world.nowMs + durationMs);
    return `the disk of ${host.name} hangs for ${Math.round(durationMs)} ms`;
  }

  /** The next operation of one of these kinds fails with EIO, if it happens within the fault's duration. */
  failOnce(fault: PlannedFault, node: SimulatedNode, kinds: readonly DiskOperation[]): string | null {
    if (!this.canTrouble(node) || !this.budget.mayDie(node)) return null;
    const forgets = kinds.includes('sync');
    const arm = forgets ? this.budget.arm(node) : null;
    if (forgets && arm === null) return null;
    const trouble: Trouble = { fault, arm, hit: false };
    this.troubles.set(node, trouble);
    node.disk.fault = (operation, path) => {
      if (trouble.hit || !kinds.includes(operation) || path.endsWith('meta.properties')) return null;
      trouble.hit = true;
      this.cluster.note(`EIO for ${operation} of ${path} on ${node.host.name}`);
      return 'EIO';
    };
    this.passes(node, trouble);
    return `the next ${kinds[0]} of ${node.host.name} fails with EIO`;
  }

  /**
   * One of several log directories fails completely, never that of the metadata. Later its disk is repaired and the node
   * restarted.
   */
  loseDirectory(fault: PlannedFault, node: SimulatedNode): string | null {
    const others = this.cluster.directories.slice(1);
    const directory = others[fault.victim % Math.max(1, others.length)];
    if (directory === undefined || node.role === 'controller') return null;
    if (!this.canTrouble(node) || !this.budget.mayDie(node)) return null;
    this.broken.add(node);
    node.disk.fault = (_operation, path) =>
      path === directory || path.startsWith(`${directory}/`) ? 'EIO' : null;
    this.cluster.world.schedule(fault.durationMs, null, () => {
      if (!this.broken.delete(node)) return;
      this.repair(node);
      this.restart(node);
    });
    return `${directory} of ${node.host.name} fails`;
  }

  fill(fault: PlannedFault, node: SimulatedNode): string | null {
    if (!this.canTrouble(node) || !this.budget.mayDie(node)) return null;
    const trouble: Trouble = { fault, arm: null, hit: false };
    this.troubles.set(node, trouble);
    const roomBytes = Math.floor(fault.dice * 2_000);
    node.disk.capacityBytes = node.disk.usedBytes + roomBytes;
    this.passes(node, trouble);
    return `the disk of ${node.host.name} has room for ${roomBytes} bytes`;
  }

  failStore(fault: PlannedFault, node: SimulatedNode): string | null {
    if (node.role === 'broker' || !this.canTrouble(node) || !this.budget.mayDie(node)) return null;
    const trouble: Trouble = { fault, arm: null, hit: false };
    this.troubles.set(node, trouble);
    node.metadata.failure = 'EIO';
    this.passes(node, trouble);
    return `the next write of the metadata log of ${node.host.name} fails with EIO`;
  }

  /**
   * Damages the metadata store and kills the node. A later start must fail: the store may have lost votes and entries that
   * others rely on.
   */
  damageStore({ durationMs }: PlannedFault, node: SimulatedNode): string | null {
    if (!this.budget.mayLose(node)) return null;
    this.budget.lost.add(node);
    node.metadata.isDamaged = true;
    this.cluster.crash(node, 'kill');
    this.cluster.world.schedule(durationMs, null, () => {
      if (node.life === null) this.cluster.boot(node);
    });
    return `the metadata store of ${node.host.name} is damaged`;
  }

  /**
   * Changes a bit of a log segment. After a while the disk is replaced by an empty one, if other replicas have all its records;
   * otherwise the bit is changed back.
   */
  rot(fault: PlannedFault, node: SimulatedNode): string | null {
    if (!this.canTrouble(node) || !this.budget.mayDie(node)) return null;
    const segments = node.disk
      .files()
      .filter(({ path, sizeBytes }) => path.endsWith('.log') && sizeBytes > 0);
    const segment = segments[fault.victim % Math.max(1, segments.length)];
    const arm = segment === undefined ? null : this.budget.arm(node);
    if (segment === undefined || arm === null) return null;
    const at = Math.floor(fault.dice * segment.sizeBytes);
    const flip = (): void => {
      node.disk.damage(segment.path, (bytes) => {
        if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << (at & 7));
        return bytes;
      });
    };
    flip();
    const flipBack = (): void => {
      if (node.disk.files().some(({ path }) => path === segment.path)) flip();
    };
    this.rotten.set(node, { flipBack, arm });
    this.cluster.world.schedule(fault.durationMs, null, () => this.replace(node));
    return `a bit of ${segment.path} on ${node.host.name} flips, byte ${at}`;
  }

  /**
   * In some offset indexes a bit flips and stays flipped. The log has everything that is in an index, so no invariant may
   * break.
   */
  rotIndexes({ victim }: PlannedFault, node: SimulatedNode): string | null {
    const random = new SeededRandom(victim);
    const indexes = node.disk
      .files()
      .filter(({ path, sizeBytes }) => path.endsWith('.index') && sizeBytes > 0 && random.chance(indexPart));
    for (const { path, sizeBytes } of indexes) {
      const at = random.u32() % sizeBytes;
      const bit = 1 << (random.u32() & 7);
      node.disk.damage(path, (bytes) => bytes.with(at, (bytes[at] as number) ^ bit));
    }
    return indexes.length === 0
      ? null
      : `a bit flips in each of ${indexes.length} indexes of ${node.host.name}`;
  }

  /** Removes the last bytes of the newest segment of a log, on a stopped node. Returns false when the node has no records. */
  shorten({ victim }: PlannedFault, node: SimulatedNode): boolean {
    const newest = new Map<string, { path: string; sizeBytes: number }>();
    for (const file of node.disk.files())
      if (file.path.endsWith('.log')) newest.set(file.path.slice(0, file.path.lastIndexOf('/')), file);
    const tails = [...newest.values()].filter(({ sizeBytes }) => sizeBytes > 0);
    const tail = tails[victim % Math.max(1, tails.length)];
    if (tail === undefined) return false;
    const lostBytes = Math.min(tail.sizeBytes, 1 + ((victim >>> 8) % tailMaxBytes));
    node.disk.damage(tail.path, (bytes) => bytes.subarray(0, tail.sizeBytes - lostBytes));
    this.cluster.note(`${tail.path} on ${node.host.name} loses its last ${lostBytes} bytes`);
    return true;
  }

  /**
   * Whether a disk fault explains that the node has ended its process with `error`. If it was an error of one operation, the
   * disk is repaired and the node is started again.
   */
  explains(node: SimulatedNode, error: unknown): boolean {
    if (this.budget.lost.has(node)) return error instanceof DamagedStoreError;
    if (this.rotten.has(node)) return true;
    const trouble = this.troubles.get(node);
    if (trouble === undefined) return false;
    this.troubles.delete(node);
    this.repair(node);
    this.cluster.world.schedule(0, null, () => {
      if (trouble.arm !== null) {
        node.disk.powerCut();
        this.budget.forgot(trouble.arm);
      }
      this.bootLater(node, rebootMs);
    });
    return true;
  }

  /** Ends all disk faults. */
  end(): void {
    for (const node of this.cluster.nodes) {
      node.delays.stalledUntilMs = 0;
      node.delays.syncsStalledUntilMs = 0;
      this.repair(node);
    }
    for (const { arm } of this.troubles.values()) this.budget.disarm(arm);
    for (const node of [...this.broken, ...this.troubles.keys()]) this.restart(node);
    this.broken.clear();
    this.troubles.clear();
    for (const node of [...this.rotten.keys()]) this.replace(node);
  }

  private canTrouble(node: SimulatedNode): boolean {
    return node.isUp && !this.troubles.has(node) && !this.rotten.has(node) && !this.broken.has(node);
  }

  /** Ends the fault when its time has passed. If no operation has failed until then, the fault had no effect. */
  private passes(node: SimulatedNode, trouble: Trouble): void {
    this.budget.doomed.add(node);
    this.cluster.world.schedule(trouble.fault.durationMs, null, () => {
      if (this.troubles.get(node) !== trouble) return;
      this.repair(node);
      this.troubles.delete(node);
      const mayGoOn = this.cluster.directories.length > 1 && node.role !== 'controller';
      if (!mayGoOn || (!trouble.hit && trouble.fault.family !== 'disk-full'))
        return this.budget.disarm(trouble.arm);
      // A log directory may be offline. Its disk is repaired now, but the node uses it again only after a restart.
      if (trouble.arm !== null) {
        this.cluster.crash(node, 'power');
        this.budget.forgot(trouble.arm);
        this.bootLater(node, rebootMs);
      } else this.restart(node);
    });
  }

  /** Restarts a node with several log directories: it does not end by itself when one of them fails. */
  private restart(node: SimulatedNode): void {
    if (this.cluster.directories.length === 1 || node.life === null) return;
    this.cluster.crash(node, 'kill');
    this.bootLater(node, rebootMs);
  }

  private repair(node: SimulatedNode): void {
    node.disk.fault = () => null;
    node.disk.capacityBytes = Number.MAX_SAFE_INTEGER;
    node.metadata.failure = null;
    this.budget.doomed.delete(node);
  }

  private replace(node: SimulatedNode): void {
    const damage = this.rotten.get(node);
    if (damage === undefined) return;
    const { flipBack, arm } = damage;
    this.rotten.delete(node);
    if (!this.budget.isCovered(node)) {
      flipBack();
      this.budget.disarm(arm);
      this.bootLater(node, rebootMs);
      return;
    }
    this.cluster.note(`the records on ${node.host.name} are replaced by an empty disk`);
    this.cluster.crash(node, 'kill');
    for (const { path } of node.disk.files())
      if (!/(meta\.properties|bootstrap\.checkpoint)$/.test(path)) node.disk.erase(path);
    this.budget.forgot(arm);
    this.bootLater(node, rebootMs);
  }
}
