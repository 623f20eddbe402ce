/** The record types of the topics in which coordinators store their state. */
import type { Message } from '../../protocol/schema/fields.ts';

export interface RecordType {
  readonly key: Message;
  readonly value: Message;
}

/** The pairs named `XKey` and `XValue` in a module of `protocol/messages`, by the type in the key, which is `XKey.key`. */
export function recordTypesOf(module: Readonly<Record<string, unknown>>): ReadonlyMap<number, RecordType> {
  const types = new Map<number, RecordType>();
  for (const [name, key] of Object.entries(module)) {
    const value = name.endsWith('Key') ? module[name.replace(/Key$/, 'Value')] : undefined;
    if (value !== undefined)
      types.set((key as Message).key, { key: key as Message, value: value as Message });
  }
  return types;
}
