/**
 * Subscriptions by regular expression (RE2's syntax and semantics, matched by the broker in time linear in the name). An
 * expression is matched against all topic names when it is new, when topics were created since (at most every ten seconds), and
 * every `group.consumer.regex.refresh.interval.ms`. With many topics this takes several short turns.
 */
import { sameElements } from '../../base/collections.ts';
import { compileRegex, compileStoredRegex, type Regex, RegexError } from '../../config/regex.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import type { ConsumerGroup, Turn } from '../group-turn.ts';
import type { Batch } from './request-batch.ts';
import { change, operate } from './request-batch.ts';
import type { ResolvedRegex } from './changes.ts';
import { bumpEpoch } from './epoch.ts';

/** Bound of the number of names matched between two yields, times the size of the expression. */
const workPerTurn = 16_000;
/** Minimum cost of a name, so at most 500 names are matched in a turn. */
const workPerNameMin = 32;
/** Minimum time between two matches because of new topics. */
const refreshPauseMs = 10_000;

/** Throws INVALID_REGULAR_EXPRESSION. */
export function requireValidRegex(regex: string): void {
  try {
    compileRegex(regex);
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    throw new KafkaError(
      Errors.INVALID_REGULAR_EXPRESSION,
      `SubscribedTopicRegex \`${regex}\` is not a valid regular expression: ${error.message}.`,
    );
  }
}

function workPerName({ size }: Regex): number {
  return Math.max(workPerNameMin, size);
}

/** Returns, for each expression, the names that it matches as a whole. */
function* resolve(
  regexes: ReadonlyMap<string, Regex>,
  names: readonly string[],
  version: number,
  timestampMs: number,
): Generator<void, ReadonlyMap<string, ResolvedRegex>, void> {
  const resolved = new Map<string, ResolvedRegex>();
  for (const [regex, pattern] of regexes) {
    const topics: string[] = [];
    const namesPerTurn = Math.max(1, Math.floor(workPerTurn / workPerName(pattern)));
    for (const [i, name] of names.entries()) {
      if (i % namesPerTurn === namesPerTurn - 1) yield;
      if (pattern.matches(name)) topics.push(name);
    }
    resolved.set(regex, { topics, version, timestampMs });
    yield;
  }
  return resolved;
}

/** Matches the group's expressions again if that is due. */
export function refreshRegexes(turn: Turn, group: ConsumerGroup, batch: Batch): void {
  if (group.resolving !== null || !isRefreshDue(turn, group)) return;
  const { image, wallMs } = turn;
  const names = image.topics.names();
  const regexes = new Map([...group.wantedRegexes].map((regex) => [regex, compileStoredRegex(regex)]));
  const work = resolve(regexes, names, image.offset, wallMs);
  const perName = [...regexes.values()].reduce((sum, regex) => sum + workPerName(regex), 0);
  // If there is little to match, the response to this heartbeat already has the topics.
  if (names.length * perName <= workPerTurn) {
    for (let step = work.next(); ; step = work.next()) {
      if (step.done === true) return store(turn, group, batch, step.value);
    }
  }
  group.resolving = work;
  turn.shard.deadlines.set(group.regexDeadline, turn.nowMs);
}

function isRefreshDue(turn: Turn, group: ConsumerGroup): boolean {
  let oldest = Number.POSITIVE_INFINITY;
  let newest = 0;
  let version = Number.POSITIVE_INFINITY;
  let any = false;
  for (const regex of group.wantedRegexes) {
    any = true;
    const known = group.regexes.get(regex);
    if (known === undefined) return true;
    oldest = Math.min(oldest, known.timestampMs);
    newest = Math.max(newest, known.timestampMs);
    version = Math.min(version, known.version);
  }
  if (!any) return false;
  if (turn.shard.newTopicsAt > version && turn.wallMs - newest >= refreshPauseMs) return true;
  return turn.wallMs - oldest >= turn.shard.config.consumer.regexRefreshIntervalMs;
}

/** Called when the deadline of a match in progress has passed: makes one more step. */
export function continueResolving(turn: Turn, group: ConsumerGroup): void {
  if (group.resolving === null) return;
  const { value, done } = group.resolving.next();
  if (done === true) storeLater(turn, group, value);
  else turn.shard.deadlines.set(group.regexDeadline, turn.nowMs);
}

function storeLater(turn: Turn, group: ConsumerGroup, resolved: ReadonlyMap<string, ResolvedRegex>): void {
  operate(turn, group, {
    token: null,
    refused: () => null,
    again: (later) => storeLater(later, group, resolved),
    run: (batch) => {
      group.resolving = null;
      if (turn.shard.groups.get(group.groupId) === group) store(turn, group, batch, resolved);
    },
  });
}

function store(
  turn: Turn,
  group: ConsumerGroup,
  batch: Batch,
  resolved: ReadonlyMap<string, ResolvedRegex>,
): void {
  let changed = false;
  for (const [regex, value] of resolved) {
    // No member subscribes to it any more.
    if (group.subscribersOfRegex(regex) === 0) continue;
    const before = group.regexes.get(regex);
    if (before === undefined || !sameElements(before.topics, value.topics)) changed = true;
    change(batch, group, { type: 'regex', regex, value });
  }
  if (!changed && !group.regexPending) return;
  group.regexPending = false;
  bumpEpoch(turn, group, batch);
}
