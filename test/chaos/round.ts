/** One round: a new cluster, clients, faults, then the end of all faults, a read of all records, and the verdict. */
import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SeededRandom } from '../../src/simulation/random.ts';
import { check } from './checker.ts';
import { type ClientPaths, Clients, inOrder } from './clients.ts';
import type { ChaosEvent, Key, ProducerKind } from './history.ts';
import { Lab } from './machine.ts';
import { type Family, Nemesis, plan } from './nemesis.ts';
import { ChaosNode } from './node.ts';
import { Probes, type TopicPlan } from './probes.ts';
import { type Measure, systemTime, waitWhileItImproves } from './progress.ts';
import { differences, missingBytes, writers } from './replicas.ts';

export interface RoundOptions {
  readonly seed: number;
  readonly faultsMs: number;
  readonly families: readonly Family[];
  readonly clients: ClientPaths;
  readonly bin: string;
  /** Where the files of the round are; kept when it fails. */
  readonly path: string;
}

export interface RoundResult {
  readonly violations: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
  readonly setting: string;
}

const diskMiB = 200;
/**
 * A cluster that heals, or takes records again, may take as long as it needs while it improves; this long without is a defect.
 */
const healStallMs = 60_000;
const serveStallMs = 30_000;
const linesPerWrite = 10_000;

const producers: ReadonlyMap<string, ProducerKind> = new Map([
  ['idem', { acks: 'all', isIdempotent: true, isOrdered: true }],
  ['plain', { acks: 'all', isIdempotent: false, isOrdered: false }],
  ['fast', { acks: '1', isIdempotent: false, isOrdered: false }],
  ['java1', { acks: 'all', isIdempotent: true, isOrdered: true }],
]);

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function waitFor(ms: number, condition: () => Promise<boolean>): Promise<boolean> {
  const until = performance.now() + ms;
  while (performance.now() < until) {
    if (await condition()) return true;
    await sleep(250);
  }
  return condition();
}

export async function runRound(options: RoundOptions): Promise<RoundResult> {
  const lab = new Lab(options.path, 3, diskMiB);
  const round = new Round(options, lab);
  const abort = (): void => {
    void round.end().finally(() => {
      lab.close();
      process.exit(130);
    });
  };
  process.once('SIGTERM', abort).once('SIGINT', abort);
  try {
    lab.begin();
    return await round.run();
  } finally {
    process.off('SIGTERM', abort).off('SIGINT', abort);
    await round.end();
    lab.close();
  }
}

class Round {
  private readonly options: RoundOptions;
  private readonly nodes: readonly ChaosNode[];
  private readonly probes: Probes;
  private readonly clients: Clients;
  private readonly topics: readonly TopicPlan[];
  private readonly syncsAll: boolean;
  private readonly setting: string;
  private readonly directories: number;
  private readonly problems: string[] = [];
  private writer: (key: Key, offset: number) => string | null = () => null;

  constructor(options: RoundOptions, lab: Lab) {
    this.options = options;
    const random = new SeededRandom(options.seed).fork('setting');
    const half = (): boolean => random.u32() % 2 === 0;
    this.syncsAll = half();
    this.directories = half() ? 2 : 1;
    const segment = half() ? '1048576' : '4194304';
    this.setting = `sync each write ${this.syncsAll}, ${this.directories} log dirs, segments of ${segment}`;
    this.nodes = lab.machines.map((machine) => new ChaosNode(machine, options.bin));
    this.probes = new Probes(lab.machines.map(({ address }) => address));
    this.clients = new Clients(options.clients, this.nodes.map(({ address }) => address).join(','));
    const configs = {
      'min.insync.replicas': '2',
      'segment.bytes': segment,
      ...(this.syncsAll ? { 'flush.messages': '1' } : {}),
    };
    this.topics = [
      { name: 'safe', partitions: 3, configs },
      { name: 'fast', partitions: 2, configs },
    ];
  }

  private get topicNames(): string[] {
    return this.topics.map(({ name }) => name);
  }

  private get keys(): Key[] {
    return this.topics.flatMap(({ name, partitions }) =>
      Array.from({ length: partitions }, (_, index): Key => `${name}-${index}`),
    );
  }

  private outOfSync(): Promise<number> {
    return this.probes.outOfSync(this.topicNames, this.keys.length);
  }

  private async isSettled(): Promise<boolean> {
    return (await this.outOfSync()) === 0;
  }

  async run(): Promise<RoundResult> {
    const { seed, faultsMs, families } = this.options;
    await this.begin();
    this.startClients(seed);
    await sleep(2000);
    const allowed = families.filter((family) => family !== 'power-all' || this.syncsAll);
    const faults = plan(seed, faultsMs, allowed);
    const nemesis = new Nemesis({
      nodes: this.nodes,
      bin: this.options.bin,
      path: this.options.path,
      note: (text) => this.clients.note(text),
      onFailure: (text) => this.problems.push(text),
      isSettled: () => this.isSettled(),
      syncsAll: this.syncsAll,
      topics: this.topicNames,
    });
    await nemesis.run(faults, faultsMs);
    await nemesis.heal();
    await this.recover();
    const ends = await this.readAll();
    await this.stopNodes();
    return this.judge(ends);
  }

  /** A formatted cluster with its topics. */
  private async begin(): Promise<void> {
    const machines = this.nodes.map(({ machine }) => machine);
    const properties = {
      'default.replication.factor': '3',
      'min.insync.replicas': '2',
      'offsets.topic.replication.factor': '3',
      'offsets.topic.num.partitions': '3',
      'group.initial.rebalance.delay.ms': '0',
      'replica.lag.time.max.ms': '10000',
      'auto.create.topics.enable': 'false',
      'log.retention.ms': '-1',
      ...(this.syncsAll ? { 'log.flush.interval.messages': '1' } : {}),
    };
    const settings = { clusterId: 'Y2hhb3MtY2x1c3Rlci0wMA', properties, directories: this.directories };
    for (const node of this.nodes) node.format(settings, machines);
    for (const node of this.nodes) node.start();
    for (const topic of this.topics) {
      let last: unknown = null;
      const isMade = await waitFor(20_000, async () => {
        last = await this.probes.createTopic(topic).catch((error: unknown) => error);
        return last === 0 || last === 36;
      });
      if (!isMade) throw new Error(`the topic ${topic.name} could not be created: ${String(last)}`);
    }
    if (!(await waitFor(20_000, () => this.isSettled()))) throw new Error('the cluster did not come up');
  }

  private startClients(seed: number): void {
    const { clients } = this;
    const topics = Object.fromEntries(this.topics.map(({ name, partitions }) => [name, partitions]));
    const safe = { topic: 'safe', partitions: 3 };
    const padding = '_'.repeat(100 + (seed % 5) * 200);
    clients.librdkafka('producer', 'idem', { ...safe, acks: 'all', idempotent: true, rate: 150, padding });
    clients.librdkafka('producer', 'plain', {
      ...safe,
      acks: 'all',
      idempotent: false,
      rate: 80,
      padding,
      compression: 'lz4',
    });
    clients.librdkafka('producer', 'fast', {
      topic: 'fast',
      partitions: 2,
      acks: '1',
      idempotent: false,
      rate: 80,
      padding,
    });
    clients.java(1, 'safe', 50);
    clients.librdkafka('reader', 'reader', { topics, seed });
    for (const member of [1, 2])
      clients.librdkafka('group', `member${member}`, { topics, group: 'group', seed: seed + member });
  }

  /** After the faults: everything must be in sync again, and producers must get on. */
  private async recover(): Promise<void> {
    const healedMs = performance.now();
    const healed = this.clients.events.length;
    const healing = async (): Promise<Measure> => {
      const replicas = await this.outOfSync();
      return [replicas, replicas === 0 ? 0 : missingBytes(this.nodes, this.keys)];
    };
    const left = await waitWhileItImproves(healStallMs, healing, systemTime);
    const tookMs = Math.round(performance.now() - healedMs);
    if (left === null) this.clients.note(`all in sync ${tookMs} ms after the faults`);
    else {
      const [replicas, bytes] = left;
      this.problems.push(
        `${replicas} replicas are not in sync (the nodes' views added up) and ${bytes} bytes behind ${tookMs} ms after the faults, no better for ${healStallMs} ms`,
      );
    }
    const served = new Set<Key>();
    const serving = async (): Promise<Measure> => {
      for (const event of this.clients.events.slice(healed))
        if (event.f === 'send' && event.type === 'ok') served.add(event.k);
      return [this.keys.length - served.size];
    };
    if ((await waitWhileItImproves(serveStallMs, serving, systemTime)) !== null)
      this.problems.push(`only ${[...served].join(', ')} took records again, no other in ${serveStallMs} ms`);
    const isProducer = (name: string): boolean => producers.has(name);
    await Promise.all(
      this.clients.running.map((client) =>
        isProducer(client.name) ? client.stop(40_000) : Promise.resolve(),
      ),
    );
    // Members of the group get the rest.
    await sleep(3000);
    await Promise.all(
      this.clients.running.map((client) =>
        isProducer(client.name) ? Promise.resolve() : client.stop(30_000),
      ),
    );
  }

  private async readAll(): Promise<ReadonlyMap<Key, number>> {
    const ends = await this.probes.ends(this.topicNames);
    const final = this.clients.librdkafka('final', 'final', { ends: Object.fromEntries(ends), patience: 60 });
    await final.ended;
    return ends;
  }

  private async stopNodes(): Promise<void> {
    await waitFor(20_000, () => this.isSettled());
    const partitions = await this.probes.partitions(this.topicNames);
    for (const node of this.nodes)
      if (!(await node.stop(60_000))) this.problems.push(`node ${node.id} did not end within 60 s`);
    const replicas = new Map([...partitions].map(([key, { replicas: ids }]) => [key, ids]));
    try {
      this.problems.push(...differences(this.nodes, replicas));
      this.writer = writers(this.nodes, replicas);
    } catch (error) {
      this.problems.push(`replicas could not be compared: ${String(error)}`);
    }
  }

  private judge(ends: ReadonlyMap<Key, number>): RoundResult {
    const events = inOrder(this.clients.events);
    const { violations, counts } = check({ events, producers, ends, writer: this.writer });
    for (const node of this.nodes) this.problems.push(...node.surprises, ...badLines(node));
    this.keep(events);
    const found = [...violations.map(({ rule, text }) => `${rule}: ${text}`), ...this.problems];
    if (found.length > 0) this.keepLogs();
    return {
      violations: found,
      counts,
      faults: events.flatMap((event) => (event.f === 'nemesis' ? [event.text] : [])),
      setting: this.setting,
    };
  }

  private keep(events: readonly ChaosEvent[]): void {
    const path = join(this.options.path, 'history.jsonl');
    for (let i = 0; i < events.length; i += linesPerWrite) {
      const lines = events.slice(i, i + linesPerWrite).map((event) => `${JSON.stringify(event)}\n`);
      appendFileSync(path, lines.join(''));
    }
    const errors = this.clients.running.map(({ name, errors: text }) => `--- ${name}\n${text}\n`);
    writeFileSync(join(this.options.path, 'clients.log'), errors.join(''));
  }

  /** The disks of the nodes go with the round; a failed one keeps the partitions that were checked, for kafka-dump-log. */
  private keepLogs(): void {
    for (const node of this.nodes)
      for (const directory of node.directories)
        for (const name of readdirSync(directory))
          if (this.topicNames.includes(name.replace(/-\d+$/, '')))
            cpSync(join(directory, name), join(node.machine.path, 'logs', name), { recursive: true });
  }

  async end(): Promise<void> {
    for (const client of this.clients.running) client.signal('SIGKILL');
    for (const node of this.nodes) {
      node.signal('SIGCONT');
      await node.kill();
    }
  }
}

/** Lines of a node's log that no fault explains. */
function badLines(node: ChaosNode): string[] {
  const text = readFileSync(join(node.machine.path, 'server.log'), 'utf8');
  return text
    .split('\n')
    .filter((line) => /AssertionError|Unhandled|unhandledRejection|TypeError|RangeError|uncaught/i.test(line))
    .slice(0, 5)
    .map((line) => `node ${node.id} said: ${line.slice(0, 300)}`);
}

export function prepare(path: string): void {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
}
