/**
 * Branded ids: the compiler rejects a number of one kind where another kind is expected. At run time they are plain numbers.
 */

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** The `node.id` of a process. A combined node, which is both controller and broker, has one id for both. */
export type NodeId = Branded<number, 'NodeId'>;
/**
 * Identifies an incarnation of a broker that has registered, and fences earlier ones. It is the metadata offset of the first
 * registration, or near to it, and larger than the epochs before.
 */
export type BrokerEpoch = Branded<number, 'BrokerEpoch'>;

export function nodeId(value: number): NodeId {
  return value as NodeId;
}

export function brokerEpoch(value: number): BrokerEpoch {
  return value as BrokerEpoch;
}
