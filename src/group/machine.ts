/** The group coordinator as a `StateMachine`, for the coordinator runtime. */
import type { Random } from '../base/random.ts';
import type { StateMachine } from '../coordinator/types.ts';
import { finishLoading, replayFrom } from './replay.ts';
import { createShard, nextDeadlineMs, step } from './shard.ts';
import { createTurn, type Shard } from './group-turn.ts';
import { endTransaction } from './txn-offsets.ts';
import type { GroupConfig, GroupInput } from './types.ts';

export type GroupMachine = StateMachine<Shard, GroupInput>;

export function groupMachine(config: GroupConfig, random: Random): GroupMachine {
  return {
    create: (context) => createShard(config, random, context),
    replay: replayFrom,
    replayEnd: endTransaction,
    loaded(shard, context) {
      const turn = createTurn(shard, context);
      for (const group of shard.groups.values()) finishLoading(turn, group);
      return turn;
    },
    step,
    nextDeadlineMs,
  };
}
