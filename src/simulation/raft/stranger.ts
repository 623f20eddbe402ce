/**
 * The claims of a stranger: a process that is no controller of the cluster, but knows the cluster's id. It claims to lead,
 * campaigns, and names later epochs. It sends no entries and no high watermark, because a voter that has long had no leader
 * believes it (decision 81).
 */
import { below } from '../../base/random.ts';
import { nodeId } from '../../base/ids.ts';
import { type Uuid, uuidZero } from '../../base/uuid.ts';
import type { StreamedMessage } from '../../raft/messages.ts';
import type { SeededRandom } from '../random.ts';
import type { Replica } from './replica.ts';

const strangerDirectory: Uuid = 'ZZZZZZZZZZZZZZZZZZZZZg';
/** An id that no replica of a simulation has. */
const strangerId = nodeId(77);

/**
 * Lets a stranger make `count` claims to `replica`. Returns a description; null: the replica is down. With `asVoter` the
 * stranger has the node id of another voter. The leader then takes it for that voter with a new disk, that is, for a learner,
 * which may sometimes end a leadership.
 */
export function claimTo(
  replica: Replica,
  random: SeededRandom,
  count: number,
  asVoter: boolean,
): string | null {
  const state = replica.core?.state;
  if (state === undefined) return null;
  // While the directories of static voters are unknown, a stranger with the id of one could not be distinguished from it.
  const others = state.voters.current.filter((v) => v.id !== replica.id && v.directoryId !== uuidZero);
  const taken = asVoter ? others[below(random, Math.max(1, others.length))]?.id : undefined;
  const from = { id: taken ?? strangerId, directoryId: strangerDirectory };
  const { epoch } = state;
  const claims = Array.from({ length: count }, () => claimOf(random, epoch));
  for (const message of claims) replica.input({ type: 'message', from, message });
  const said = claims.map((claim) => `${claim.type} e${claim.epoch}`).join(', ');
  return `a stranger as n${from.id} says to n${replica.id}: ${said}`;
}

/** A claim to a replica whose epoch is `epoch`. */
function claimOf(random: SeededRandom, epoch: number): StreamedMessage {
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
