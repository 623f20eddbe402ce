/**
 * The test's end of the link: it starts the thread in which the test's clusters run, or with `where: 'process'` the thread that
 * passes everything on to their process. All clusters of a test process with the same `where` share one thread, because loading
 * the code of the nodes takes longer than starting them. The thread ends soon after the last cluster was closed.
 */
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { ClusterWaits } from '../cluster-waits.ts';
import type { TestKafka } from '../cluster.ts';
import type { StartKafkaOptions } from '../options.ts';
import { durationMs } from '../time.ts';
import { Deadlines } from '../waits.ts';
import { Endpoint, type Message } from './endpoint.ts';
import type { KindName } from './members.ts';
import type { ThreadData } from './thread.ts';

/** How long the thread stays after the last cluster was closed, because the next one often follows at once. */
const lingerMs = 1_000;
const answerMsMax = 60_000;
const logLinesShown = 20;

type Answer = Message & { readonly type: 'answer' };

class Home {
  private readonly worker: Worker;
  private readonly endpoint: Endpoint;
  private readonly onGone: () => void;
  private open = 0;
  private lingering: NodeJS.Timeout | null = null;

  constructor(where: ThreadData['where'], onGone: () => void) {
    this.onGone = onGone;
    const { port1: mine, port2: answers } = new MessageChannel();
    const answered = new Int32Array(new SharedArrayBuffer(4));
    const workerData: ThreadData = { where, answers, answered };
    // Works in dist/ only: the worker cannot load TypeScript sources. `../remote/` is right for this file, and for the CommonJS
    // bundle for jest in dist/testing/kafka/required/ (`scripts/bundle.mjs`).
    this.worker = new Worker(new URL('../remote/thread.js', import.meta.url), {
      name: 'bendemann',
      workerData,
      transferList: [answers],
      execArgv: [],
    });
    const ask = (message: Message): Answer => {
      const before = Atomics.load(answered, 0);
      this.worker.postMessage(message);
      if (Atomics.wait(answered, 0, before, answerMsMax) === 'timed-out')
        throw new Error(`The thread of the clusters did not answer within ${answerMsMax} ms.`);
      return receiveMessageOnPort(mine)?.message as Answer;
    };
    const send = (message: Message): void => this.worker.postMessage(message);
    const onStandIn = (kind: KindName, standIn: object): void => this.complete(kind, standIn);
    // While a call is pending, the process must not end, even if its clusters are closed.
    const onPending = (by: 1 | -1): void => (by > 0 ? this.hold() : this.release());
    this.endpoint = new Endpoint({ send, ask }, {}, { onStandIn, onPending });
    mine.unref();
    this.worker.on('message', (message: Message) => this.endpoint.receive(message));
    this.worker.on('error', (error) => this.ended(error));
    this.worker.on('exit', () => this.ended(new Error('The thread of the clusters has ended.')));
  }

  async start(options: StartKafkaOptions): Promise<TestKafka> {
    this.hold();
    try {
      return (await this.endpoint.later(0, ['startKafka'], [options])) as TestKafka;
    } finally {
      this.release();
    }
  }

  /**
   * Adds to a stand-in (the proxy of an object in the clusters' thread, `endpoint.ts`) what the table in `members.ts` cannot
   * describe, such as `Symbol.dispose`.
   */
  private complete(kind: KindName, standIn: object): void {
    if (kind === 'fault') {
      const fault = standIn as { remove(): void; [Symbol.dispose]?: () => void };
      fault[Symbol.dispose] = () => fault.remove();
    }
    if (kind !== 'kafka') return;
    this.hold();
    const kafka = standIn as TestKafka;
    const { close } = kafka;
    let closing: Promise<void> | null = null;
    kafka.close = () => {
      closing ??= close().finally(() => this.release());
      return closing;
    };
    kafka[Symbol.asyncDispose] = () => kafka.close();
    kafka.wait.until = untilHere(kafka);
  }

  private hold(): void {
    this.open++;
    if (this.lingering !== null) clearTimeout(this.lingering);
    this.lingering = null;
    this.worker.ref();
  }

  private release(): void {
    this.open--;
    if (this.open > 0) return;
    this.worker.unref();
    this.lingering = setTimeout(() => {
      this.onGone();
      void this.worker.terminate();
    }, lingerMs).unref();
  }

  private ended(error: Error): void {
    this.onGone();
    this.endpoint.end(error);
  }
}

/** `wait.until` in the test's thread: the condition is a function of the test, so the wait calls it here. */
function untilHere(kafka: TestKafka): ClusterWaits['until'] {
  const defaultMs = 30_000;
  const situation = (): string => kafka.nodes.map(({ id, state }) => `${id} ${state}`).join(', ');
  const lines = (): readonly string[] => kafka.nodes.flatMap(({ log }) => log).slice(-logLinesShown);
  const deadlines = new Deadlines(defaultMs, situation, lines);
  return (condition, options = {}) => {
    const timeout = options.timeout === undefined ? undefined : durationMs(options.timeout);
    return deadlines.until(
      options.what ?? 'the condition holds',
      timeout,
      async () => (await condition()) || undefined,
    );
  };
}

const homes = new Map<ThreadData['where'], Home>();

export function startElsewhere(where: ThreadData['where'], options: StartKafkaOptions): Promise<TestKafka> {
  let home = homes.get(where);
  if (home === undefined) {
    home = new Home(where, () => homes.delete(where));
    homes.set(where, home);
  }
  return home.start(options);
}
