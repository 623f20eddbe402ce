/**
 * The main module of the clusters' thread. It runs the clusters; with `where: 'process'` it starts a child process that runs
 * them, and forwards messages. The thread is needed even then: when the test blocks its own thread, only another thread can
 * receive the response.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Link, Message } from './endpoint.ts';
import type { FromProcess } from './process.ts';

export interface ThreadData {
  readonly where: 'thread' | 'process';
  /** Responses to a blocked test are posted here, then `answered[0]` is incremented. */
  readonly answers: MessagePort;
  readonly answered: Int32Array;
}

const { where, answers, answered } = workerData as ThreadData;
const test = parentPort as MessagePort;

const link: Link & { answer(message: Message): void } = {
  send: (message) => test.postMessage(message),
  answer: (message) => {
    answers.postMessage(message);
    Atomics.add(answered, 0, 1);
    Atomics.notify(answered, 0);
  },
};

if (where === 'thread') {
  const { hostEndpoint } = await import('./host.ts');
  const endpoint = hostEndpoint(link);
  test.on('message', (message: Message) => endpoint.receive(message));
} else {
  const script = fileURLToPath(new URL('./process.js', import.meta.url));
  const child = fork(script, { serialization: 'advanced', execArgv: [] });
  child.on('message', ({ isNow, message }: FromProcess) =>
    isNow ? link.answer(message) : link.send(message),
  );
  child.on('exit', (code, signal) => {
    throw new Error(`The process of the clusters ended (${signal ?? code}).`);
  });
  test.on('message', (message: Message) => child.send(message));
}
