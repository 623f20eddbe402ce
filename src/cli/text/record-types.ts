/**
 * Lists the types of the records in which coordinators store their state, in internal topics such as `__consumer_offsets` and
 * `__transaction_state`.
 */
import type { Message } from '../../protocol/schema/fields.ts';

export interface RecordType {
  readonly key: Message;
  readonly value: Message;
}

/**
 * Returns the record types that a module of `protocol/messages` exports as pairs `XKey` and `XValue`. The keys of the map are
 * the numbers of the types, which the schemas of the record keys have as `key`.
 */
export function recordTypesOf(module: Readonly<Record<string, unknown>>): ReadonlyMap<number, RecordType> {
  const types = new Map<number, RecordType>();
  for (const [name, key] of Object.entries(module)) {
    const value = name.endsWith('Key') ? module[name.replace(/Key$/, 'Value')] : undefined;
    if (value !== undefined)
      types.set((key as Message).key, { key: key as Message, value: value as Message });
  }
  return types;
}
