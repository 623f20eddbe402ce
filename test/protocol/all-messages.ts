/** Every message that `src/protocol/messages` exports, found by looking at the folder and those in it so that none is forgotten. */
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

/** Tests of all messages would pass with none. */
const messagesMin = 200;
if (allMessages.length < messagesMin) throw new Error(`only ${allMessages.length} messages were found`);
