/**
 * What a process says that is no controller of the cluster, and knows its id: it claims to lead, campaigns, and tells later epochs.
 * It sends no entries and no high watermark: a voter that has long had no leader believes it (decision 81).
 */
import { below } from '../../base/random.ts';
import { nodeId } from '../../base/ids.ts';
import { type Uuid, uuidZero } from '../../base/uuid.ts';
import type { StreamedMessage } from '../../raft/messages.ts';
import type { ReplicaKey } from '../../raft/types.ts';
import type { SeededRandom } from '../random.ts';

const strangerDirectory: Uuid = 'ZZZZZZZZZZZZZZZZZZZZZg';
/** An id that no replica of a simulation has. */
const strangerId = nodeId(77);

/** The stranger's key: its node id is its own or, with the directories of the voters known, that of a controller. */
export function strangerKey(random: SeededRandom, idsToTake: readonly number[]): ReplicaKey {
  const taken = random.chance(0.3) ? idsToTake[below(random, Math.max(1, idsToTake.length))] : undefined;
  return { id: taken === undefined ? strangerId : nodeId(taken), directoryId: strangerDirectory };
}

/** A claim to a replica whose epoch is `epoch`. */
export function claimOf(random: SeededRandom, epoch: number): StreamedMessage {
  const claimed = epoch + ([0, 0, 1, 1, 3, 50][below(random, 6)] as number);
  const offsets = { match: 0, highWatermark: 0, round: below(random, 3) };
  const end = { logEndOffset: 1_000_000, lastEpoch: claimed, nonce: random.u32() };
  const claims: readonly StreamedMessage[] = [
    { type: 'heartbeat', epoch: claimed, directoryId: uuidZero, reply: true, ...offsets },
    { type: 'append', epoch: claimed, baseOffset: 0, previousEpoch: 0, highWatermark: 0, entries: [] },
    { type: 'vote', epoch: claimed, preVote: true, transfer: false, ...end },
    { type: 'vote', epoch: claimed, preVote: false, transfer: false, ...end },
    { type: 'vote', epoch: claimed, preVote: false, transfer: true, ...end },
    { type: 'voted', epoch: claimed, preVote: false, granted: random.chance(0.5), nonce: end.nonce },
    { type: 'appended', epoch: claimed, accepted: true, baseOffset: 0, endOffset: 0, endEpoch: 0 },
    { type: 'alive', epoch: claimed, round: offsets.round },
    { type: 'timeoutNow', epoch: claimed },
    { type: 'resign', epoch: claimed, successors: [] },
  ];
  return claims[below(random, claims.length)] as StreamedMessage;
}
