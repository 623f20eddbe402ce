/** Branded ids: numbers and strings that must not be confused. The constructors return their argument. */

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** `node.id`: one process; controller and broker of a combined node share it. */
export type NodeId = Branded<number, 'NodeId'>;
/** Fences an incarnation of a broker: the metadata offset at which its registration was committed. */
export type BrokerEpoch = Branded<number, 'BrokerEpoch'>;

export function nodeId(value: number): NodeId {
  return value as NodeId;
}

export function brokerEpoch(value: number): BrokerEpoch {
  return value as BrokerEpoch;
}
