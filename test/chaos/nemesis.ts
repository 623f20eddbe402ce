/**
 * The faults of a run: a schedule drawn from the seed, and the code that causes the faults. A fault is left out when the
 * cluster does not promise to survive it at that moment (two disks that lose unsynced data at the same time).
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { below } from '../../src/base/random.ts';
import { SeededRandom } from '../../src/simulation/random.ts';
import type { ChaosNode } from './node.ts';

export const families = [
  'kill',
  'kill-two',
  'kill-all',
  'pause',
  'pause-two',
  'restart',
  'isolate',
  'one-way',
  'cut-pair',
  'loss',
  'power',
  'power-all',
  'disk-full',
  'directory',
  'clock',
  'slow-sync',
  'elect',
  'reassign',
  'topics',
] as const;
export type Family = (typeof families)[number];

export interface Fault {
  readonly atMs: number;
  readonly family: Family;
  readonly victim: number;
  readonly durationMs: number;
  /** 0 … 1 */
  readonly dice: number;
}

/** The faults of `lengthMs`; a quarter of the rounds uses one family only. */
export function plan(seed: number, lengthMs: number, allowed: readonly Family[]): Fault[] {
  const random = new SeededRandom(seed).fork('nemesis');
  const real = (): number => random.u32() / 0x1_0000_0000;
  const count = real() < 0.25 ? 1 : 2 + below(random, allowed.length - 1);
  const chosen = [...allowed].sort(() => real() - 0.5).slice(0, count);
  const faults: Fault[] = [];
  for (let atMs = 2000 + real() * 3000; atMs < lengthMs - 2000; atMs += 1000 + real() * 9000) {
    const family = chosen[below(random, chosen.length)] as Family;
    const isLong = real() < 0.25;
    faults.push({
      atMs,
      family,
      victim: below(random, 3),
      durationMs: isLong ? 8000 + real() * 7000 : 200 + real() * 4000,
      dice: real(),
    });
  }
  return faults;
}

export interface NemesisOptions {
  readonly nodes: readonly ChaosNode[];
  readonly bin: string;
  /** For files of the tools. */
  readonly path: string;
  readonly note: (text: string) => void;
  /** A fault could not be carried out: the round proves nothing. */
  readonly onFailure: (text: string) => void;
  /** Every partition has all its replicas in sync. */
  readonly isSettled: () => Promise<boolean>;
  /** Records are synced before they are acknowledged. */
  readonly syncsAll: boolean;
  readonly topics: readonly string[];
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class Nemesis {
  private readonly options: NemesisOptions;
  /** A disk forgot something that the others have not given back yet. */
  private hasForgotten = false;
  private readonly busy = new Set<ChaosNode>();
  private readonly tools = new Set<Promise<void>>();
  private isOver = false;
  private made = 0;

  constructor(options: NemesisOptions) {
    this.options = options;
  }

  /** Strikes as planned; resolves when the time is over and what it began has ended. */
  async run(faults: readonly Fault[], lengthMs: number): Promise<void> {
    const startMs = performance.now();
    const running: Promise<void>[] = [];
    for (const fault of faults) {
      await sleep(Math.max(0, fault.atMs - (performance.now() - startMs)));
      running.push(
        this.strike(fault).catch((error: unknown) => {
          this.options.onFailure(`the nemesis failed with ${fault.family}: ${String(error)}`);
        }),
      );
    }
    await sleep(Math.max(0, lengthMs - (performance.now() - startMs)));
    this.isOver = true;
    await Promise.all(running);
    await Promise.all(this.tools);
  }

  /** Takes all that goes on by itself away, and starts whoever is down. */
  async heal(): Promise<void> {
    for (const node of this.options.nodes) {
      node.machine.healNetwork();
      node.machine.control(0, 0);
      node.machine.freeDisk();
      node.signal('SIGCONT');
      await node.machine.powerOn();
      if (!node.isUp) node.start();
    }
  }

  private async strike(fault: Fault): Promise<void> {
    const { nodes } = this.options;
    const node = nodes[fault.victim] as ChaosNode;
    const others = nodes.filter((one) => one !== node);
    switch (fault.family) {
      case 'kill':
        return this.kill([node], fault);
      case 'kill-two':
        return this.kill(others, fault);
      case 'kill-all':
        return this.kill(nodes, fault);
      case 'pause':
        return this.pause([node], fault);
      case 'pause-two':
        return this.pause(others, fault);
      case 'restart':
        return this.restart(node, fault);
      case 'isolate':
        return this.cut(fault, [[node, ...others]], 100, true);
      case 'one-way':
        return this.cut(fault, [[node, ...others]], 100, false);
      case 'cut-pair':
        return this.cut(fault, [[node, others[0] as ChaosNode]], 100, true);
      case 'loss':
        return this.cut(fault, [[node, ...others]], 5 + Math.floor(fault.dice * 25), true);
      case 'power':
        return this.power([node], fault);
      case 'power-all':
        return this.power(nodes, fault);
      case 'disk-full':
        return this.fill(node, fault);
      case 'directory':
        return this.failDirectory(node, fault);
      case 'clock':
        return this.clock(node, fault);
      case 'slow-sync':
        return this.slowSync(node, fault);
      default:
        return this.administer(fault);
    }
  }

  /** Nodes that are struck already are left alone; null: all of them are. */
  private take(nodes: readonly ChaosNode[]): ChaosNode[] | null {
    const free = nodes.filter((node) => !this.busy.has(node) && node.isUp);
    if (free.length === 0) return null;
    for (const node of free) this.busy.add(node);
    return free;
  }

  private release(nodes: readonly ChaosNode[]): void {
    for (const node of nodes) this.busy.delete(node);
  }

  private async kill(wanted: readonly ChaosNode[], { durationMs, dice }: Fault): Promise<void> {
    const nodes = this.take(wanted);
    if (nodes === null) return;
    this.options.note(`kill -9 of ${namesOf(nodes)}`);
    await Promise.all(nodes.map((node) => node.kill()));
    for (const node of nodes) {
      await sleep(dice < 0.5 ? durationMs / nodes.length : 0);
      node.start();
    }
    this.release(nodes);
  }

  private async pause(wanted: readonly ChaosNode[], { durationMs }: Fault): Promise<void> {
    const nodes = this.take(wanted);
    if (nodes === null) return;
    this.options.note(`SIGSTOP of ${namesOf(nodes)} for ${Math.round(durationMs)} ms`);
    for (const node of nodes) node.signal('SIGSTOP');
    await sleep(durationMs);
    for (const node of nodes) node.signal('SIGCONT');
    this.release(nodes);
  }

  private async restart(node: ChaosNode, { durationMs }: Fault): Promise<void> {
    if (this.take([node]) === null) return;
    this.options.note(`restart of ${namesOf([node])}`);
    await node.stop(35_000);
    await sleep(durationMs / 4);
    node.start();
    this.release([node]);
  }

  /** The first of each list is cut off from the rest of it. */
  private async cut(
    { durationMs, dice }: Fault,
    lists: readonly (readonly ChaosNode[])[],
    percent: number,
    bothWays: boolean,
  ): Promise<void> {
    for (const [node, ...others] of lists) {
      if (node === undefined) continue;
      for (const other of others) {
        node.machine.drop(other.machine.address, percent);
        if (bothWays) other.machine.drop(node.machine.address, percent);
      }
      // Half of the time its clients are cut off as well.
      if (bothWays && percent === 100 && dice < 0.5) node.machine.dropClients();
      const how = percent < 100 ? `loses ${percent} % to` : bothWays ? 'is cut off from' : 'does not hear';
      this.options.note(`${namesOf([node])} ${how} ${namesOf(others)} for ${Math.round(durationMs)} ms`);
    }
    await sleep(durationMs);
    for (const node of this.options.nodes) node.machine.healNetwork();
  }

  private async power(wanted: readonly ChaosNode[], { durationMs }: Fault): Promise<void> {
    const { syncsAll, isSettled, note } = this.options;
    if (!syncsAll && (wanted.length > 1 || this.hasForgotten)) return;
    if (!syncsAll && !(await isSettled())) return;
    const nodes = this.take(wanted);
    if (nodes === null) return;
    this.hasForgotten = !syncsAll;
    note(`power cut of ${namesOf(nodes)}`);
    for (const node of nodes) {
      node.mayEnd = true;
      node.machine.cutPower();
    }
    await Promise.all(nodes.map((node) => node.kill()));
    for (const node of nodes) await node.machine.powerOn();
    await sleep(durationMs);
    for (const node of nodes) node.start();
    this.release(nodes);
    await this.untilWhole();
  }

  /** Until the others have given back what was lost, no other disk may forget anything. */
  private async untilWhole(): Promise<void> {
    while (this.hasForgotten && !this.isOver) {
      await sleep(500);
      if (await this.options.isSettled()) this.hasForgotten = false;
    }
  }

  private async fill(node: ChaosNode, { durationMs, dice }: Fault): Promise<void> {
    if (this.take([node]) === null) return;
    this.options.note(`the disk of ${namesOf([node])} is full for ${Math.round(durationMs)} ms`);
    // A node whose only disk fails ends.
    node.mayEnd = true;
    node.machine.fillDisk(Math.floor(dice * 200_000));
    await sleep(durationMs);
    node.machine.freeDisk();
    await this.bringBack(node);
    this.release([node]);
  }

  /** The second of two disks fails: the node goes on with the first. Later the disk is back, without what was not synced. */
  private async failDirectory(node: ChaosNode, { durationMs }: Fault): Promise<void> {
    const { syncsAll, isSettled, note } = this.options;
    if (node.directories.length < 2) return;
    if (!syncsAll && (this.hasForgotten || !(await isSettled()))) return;
    if (this.take([node]) === null) return;
    this.hasForgotten = !syncsAll;
    note(`the second disk of ${namesOf([node])} fails for ${Math.round(durationMs)} ms`);
    node.machine.failSecondDisk();
    await sleep(durationMs + 2000);
    await node.stop(35_000);
    await node.machine.powerOn();
    node.start();
    this.release([node]);
    await this.untilWhole();
  }

  /** A node whose disk failed ends, soon or not at all; one with a directory that is offline is started again. */
  private async bringBack(node: ChaosNode): Promise<void> {
    await sleep(1000);
    if (node.isUp) await node.stop(35_000);
    node.start();
  }

  private async clock(node: ChaosNode, { durationMs, dice }: Fault): Promise<void> {
    if (this.busy.has(node)) return;
    const jumpMs = Math.round((dice - 0.5) * 2 * 3_600_000);
    this.options.note(`the clock of ${namesOf([node])} jumps by ${jumpMs} ms`);
    node.machine.control(jumpMs, 0);
    await sleep(durationMs);
    node.machine.control(0, 0);
  }

  private async slowSync(node: ChaosNode, { durationMs, dice }: Fault): Promise<void> {
    if (this.busy.has(node)) return;
    const delayMs = Math.round(20 + dice * dice * 1500);
    this.options.note(`syncs of ${namesOf([node])} take ${delayMs} ms for ${Math.round(durationMs)} ms`);
    node.machine.control(0, delayMs);
    await sleep(durationMs);
    node.machine.control(0, 0);
  }

  /** What an operator does meanwhile. Whether it succeeds does not matter. */
  private administer({ family, dice }: Fault): Promise<void> {
    const topic = this.options.topics[Math.floor(dice * this.options.topics.length)] as string;
    if (family === 'elect')
      return this.tool('kafka-leader-election', ['--election-type', 'preferred', '--all-topic-partitions']);
    if (family === 'topics') return this.passingTopic();
    const order = dice < 0.33 ? [1, 2, 3] : dice < 0.66 ? [2, 3, 1] : [3, 1];
    return this.tool('reassign', [topic, order.join(',')]);
  }

  private async passingTopic(): Promise<void> {
    const name = `passing-${++this.made}`;
    await this.tool('kafka-topics', [
      '--create',
      '--topic',
      name,
      '--partitions',
      '3',
      '--replication-factor',
      '3',
    ]);
    await sleep(2000);
    await this.tool('kafka-topics', ['--delete', '--topic', name]);
  }

  private tool(name: string, args: readonly string[]): Promise<void> {
    const { nodes, bin, note } = this.options;
    const bootstrap = nodes.map((node) => node.address).join(',');
    note(`${name} ${args.join(' ')}`);
    const [command, all] =
      name === 'reassign' ? ['kafka-reassign-partitions', this.reassignment(args)] : [name, args];
    const child = spawn(process.execPath, [join(bin, command), '--bootstrap-server', bootstrap, ...all], {
      stdio: 'ignore',
    });
    const ended = new Promise<void>((resolve) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
      child.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.tools.add(ended);
    return ended;
  }

  private reassignment([topic, order]: readonly string[]): string[] {
    const replicas = (order as string).split(',').map(Number);
    const partitions = [0, 1].map((partition) => ({ topic, partition, replicas }));
    const file = join(this.options.path, `reassignment-${++this.made}.json`);
    writeFileSync(file, JSON.stringify({ version: 1, partitions }));
    return ['--reassignment-json-file', file, '--execute'];
  }
}

function namesOf(nodes: readonly ChaosNode[]): string {
  return nodes.map(({ id }) => `node ${id}`).join(', ');
}
