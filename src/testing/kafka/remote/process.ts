/** What runs in the process of the clusters (`where: 'process'`). It ends with the process of the test. */
import type { Message } from './endpoint.ts';
import { hostEndpoint } from './host.ts';

export interface FromProcess {
  /** The test holds its thread until this arrives. */
  readonly isNow: boolean;
  readonly message: Message;
}

function tell(isNow: boolean, message: Message): void {
  process.send?.({ isNow, message } satisfies FromProcess);
}

const endpoint = hostEndpoint({
  send: (message) => tell(false, message),
  answer: (message) => tell(true, message),
});
process.on('message', (message: Message) => endpoint.receive(message));
process.on('disconnect', () => process.exit());
// Ctrl-C reaches the whole group of processes: the test decides what ends when.
process.on('SIGINT', () => {});
