/**
 * What runs in the thread of the clusters: the clusters themselves, or, with `where: 'process'`, the child process that has them and
 * what hands messages on. Only a thread can answer a test that holds its own thread until the answer is there.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Link, Message } from './endpoint.ts';
import type { FromProcess } from './process.ts';

export interface ThreadData {
  readonly where: 'thread' | 'process';
  /** Answers for a test that waits go here, then `answered[0]` counts on. */
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
