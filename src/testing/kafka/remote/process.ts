/** The main module of the clusters' process (`where: 'process'`). It ends with the test's process. */
import type { Message } from './endpoint.ts';
import { hostEndpoint } from './host.ts';

export interface FromProcess {
  /** The test blocks its thread until this arrives. */
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
// Ctrl-C signals the whole process group; the test decides when to stop the clusters.
process.on('SIGINT', () => {});
