/**
 * Branded ids: the compiler rejects a number of one kind where another kind is expected. At run time they are plain numbers.
 */

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** The `node.id` of a process. A combined node, which is both controller and broker, has one id for both. */
export type NodeId = Branded<number, 'NodeId'>;
/**
 * Identifies one registration of a broker, and fences earlier ones: the metadata offset at which the registration was
 * committed.
 */
export type BrokerEpoch = Branded<number, 'BrokerEpoch'>;

export function nodeId(value: number): NodeId {
  return value as NodeId;
}

export function brokerEpoch(value: number): BrokerEpoch {
  return value as BrokerEpoch;
}
