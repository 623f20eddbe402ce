/** Runs the clients as processes, and reads the history that they write. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { ChaosEvent, Key } from './history.ts';

const workers = new URL('../../test/chaos/workers/', import.meta.url).pathname;

export class Client {
  readonly name: string;
  errors = '';
  readonly ended: Promise<void>;
  private readonly child: ChildProcess;

  constructor(name: string, command: string, args: readonly string[], onLine: (line: string) => void) {
    this.name = name;
    this.child = spawn(command, [...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream });
    lines.on('line', onLine);
    this.child.stderr?.on('data', (chunk: Buffer) => {
      if (this.errors.length < 100_000) this.errors += chunk.toString();
    });
    this.ended = new Promise((resolve) => {
      const done = (): void => resolve();
      this.child.once('error', done);
      lines.once('close', done);
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** SIGTERM, and SIGKILL when that does not help. */
  async stop(patienceMs: number): Promise<void> {
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), patienceMs);
    await this.ended;
    clearTimeout(timer);
  }
}

export interface ClientPaths {
  /** A Python with confluent-kafka. */
  readonly python: string;
  /** Folder of a Kafka distribution with `bin/kafka-verifiable-producer.sh`; null: no Java clients. */
  readonly kafka: string | null;
}

/** Starts clients and gathers what they say. */
export class Clients {
  readonly events: ChaosEvent[] = [];
  readonly running: Client[] = [];
  private readonly paths: ClientPaths;
  private readonly bootstrap: string;

  constructor(paths: ClientPaths, bootstrap: string) {
    this.paths = paths;
    this.bootstrap = bootstrap;
  }

  librdkafka(role: string, name: string, options: object): Client {
    const text = JSON.stringify({ bootstrap: this.bootstrap, name, ...options });
    const client = new Client(name, this.paths.python, [`${workers}librdkafka.py`, role, text], (line) =>
      this.take(line),
    );
    this.running.push(client);
    return client;
  }

  /** Kafka's verifiable producer: idempotent, acks=all, values `number.n`. Null without a Kafka. */
  java(number: number, topic: string, rate: number): Client | null {
    const { kafka } = this.paths;
    if (kafka === null) return null;
    const client = new Client(
      `java${number}`,
      `${kafka}/bin/kafka-verifiable-producer.sh`,
      [
        '--bootstrap-server',
        this.bootstrap,
        '--topic',
        topic,
        '--throughput',
        String(rate),
        '--value-prefix',
        String(number),
      ],
      (line) => this.takeJava(line),
    );
    this.running.push(client);
    return client;
  }

  note(text: string): void {
    this.events.push({ f: 'nemesis', type: 'info', t: Number(process.hrtime.bigint()), p: 'nemesis', text });
  }

  private take(line: string): void {
    try {
      this.events.push(withJavaValues(JSON.parse(line) as ChaosEvent));
    } catch {
      // The last line of a client that was killed.
    }
  }

  /** It says nothing before it sends: a send may have begun at any time. */
  private takeJava(line: string): void {
    let said: { name?: string; value?: string; topic?: string; partition?: number; offset?: number };
    try {
      said = JSON.parse(line) as typeof said;
    } catch {
      return;
    }
    if (said.name !== 'producer_send_success' || said.value === undefined) return;
    const v = javaValue(said.value);
    const k: Key = `${said.topic}-${said.partition}`;
    const t = Number(process.hrtime.bigint());
    const p = v.slice(0, v.lastIndexOf(':'));
    this.events.push({ f: 'send', type: 'invoke', t: 0, p, v, k });
    this.events.push({ f: 'send', type: 'ok', t, p, v, k, off: said.offset ?? -1 });
  }
}

/** `7.12` is number 12 of the producer `java7`. */
function javaValue(value: string): string {
  const match = /^(\d+)\.(\d+)$/.exec(value);
  return match === null ? value : `java${match[1]}:${match[2]}`;
}

function withJavaValues(event: ChaosEvent): ChaosEvent {
  if (event.f !== 'poll') return event;
  const r = Object.fromEntries(
    Object.entries(event.r).map(([key, records]) => [
      key,
      records.map(([offset, value]): [number, string] => [offset, javaValue(value)]),
    ]),
  );
  return { ...event, r };
}

/** Events in the order of time; what Java sent and was never told of is given its beginning. */
export function inOrder(events: readonly ChaosEvent[]): ChaosEvent[] {
  const sorted = [...events].sort((a, b) => a.t - b.t);
  const known = new Set<string>();
  for (const event of sorted) if (event.f === 'send' && event.type === 'invoke') known.add(event.v);
  const begun: ChaosEvent[] = [];
  for (const event of sorted) {
    if (event.f !== 'poll') continue;
    for (const [k, records] of Object.entries(event.r)) {
      for (const [, v] of records) {
        if (!v.startsWith('java') || known.has(v)) continue;
        known.add(v);
        begun.push({ f: 'send', type: 'invoke', t: 0, p: v.slice(0, v.lastIndexOf(':')), v, k });
      }
    }
  }
  return [...begun, ...sorted];
}
