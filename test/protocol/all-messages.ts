/** All messages that `src/protocol/messages` exports. They are found by reading the folder, so that none is forgotten. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Message } from '../../src/protocol/schema/fields.ts';

const folder = join(import.meta.dirname, '../../src/protocol/messages');

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && 'flexible' in value && 'fields' in value;
}

export const allMessages: readonly Message[] = (
  await Promise.all(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map(async (file) => Object.values((await import(join(folder, file))) as object).filter(isMessage)),
  )
).flat();

/** If fewer messages were found, something would be wrong, and tests over all messages would pass without testing anything. */
const messagesMin = 200;
if (allMessages.length < messagesMin) throw new Error(`only ${allMessages.length} messages were found`);
