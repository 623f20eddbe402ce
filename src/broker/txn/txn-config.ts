/** The settings of the transaction coordinator, computed from the broker's properties. */
import type { NodeConfig } from '../../config/node-config.ts';
import type { TxnConfig } from '../../txn/types.ts';

export function txnConfig(config: NodeConfig): TxnConfig {
  return {
    maxTimeoutMs: config.get('transaction.max.timeout.ms'),
    idExpirationMs: config.get('transactional.id.expiration.ms'),
    abortIntervalMs: config.get('transaction.abort.timed.out.transaction.cleanup.interval.ms'),
    expiryIntervalMs: config.get('transaction.remove.expired.transaction.cleanup.interval.ms'),
    twoPhaseCommitEnable: config.get('transaction.two.phase.commit.enable'),
  };
}
