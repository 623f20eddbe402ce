/** The protocols that a member of the classic protocol supports. */
import { sameElements } from '../base/collections.ts';
import type { MemberProtocol } from './types.ts';

/** Whether both lists have the same protocols in the same order with the same metadata. */
export function sameProtocols(a: readonly MemberProtocol[], b: readonly MemberProtocol[]): boolean {
  const isSame = ({ name, metadata }: MemberProtocol, i: number): boolean => {
    const other = b[i] as MemberProtocol;
    return name === other.name && sameElements(metadata, other.metadata);
  };
  return a.length === b.length && a.every(isSame);
}
