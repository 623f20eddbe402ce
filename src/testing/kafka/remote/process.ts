/** The main module of the clusters' process (`where: 'process'`). It ends with the test's process. */
import type { Message } from './endpoint.ts';
import { hostEndpoint } from './host.ts';

export interface FromProcess {
  /** Whether the test's thread is blocked until this message arrives. */
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
// Ctrl-C sends SIGINT to all processes of the terminal. This one ignores it, because the test decides when its clusters stop.
process.on('SIGINT', () => {});
