/** The transaction coordinator as a `StateMachine`, for the coordinator runtime. */
import type { StateMachine } from '../coordinator/types.ts';
import { finishLoading, replay } from './replay.ts';
import { createShard, nextDeadlineMs, step } from './shard.ts';
import { createTurn, type Shard } from './txn-turn.ts';
import type { Output, TxnConfig, TxnInput } from './types.ts';

export type TxnMachine = StateMachine<Shard, TxnInput, Output>;

export function txnMachine(config: TxnConfig): TxnMachine {
  return {
    create: (context) => createShard(config, context),
    replay,
    // No record of `__transaction_state` is written in a transaction, so its log has no markers.
    replayEnd: () => undefined,
    loaded(shard, context) {
      const turn = createTurn(shard, context);
      finishLoading(turn);
      return turn;
    },
    step,
    nextDeadlineMs,
  };
}
