/**
 * Tells listeners which node leads, and when this node may act as the active controller: once an entry of its own epoch
 * is committed and everything before it is delivered. Every activation is followed by a deactivation.
 */
import type { NodeId } from '../../base/ids.ts';
import type { MetadataLogListener } from '../../raft/api.ts';
import type { RaftCore } from '../../raft/core.ts';
import type { Logger } from '../../telemetry/logger.ts';

/** What the node does while it knows no leader, for the log line. */
const standing = {
  unattached: 'waiting for one',
  follower: 'waiting for one',
  resigned: 'this node led it and no longer does',
  prospective: 'the last one fell silent, asking whether an election would be won',
  candidate: 'this node stands for election',
  leader: 'this node was elected',
} as const;

export interface LeadershipOptions {
  readonly core: RaftCore;
  readonly logger: Logger;
  readonly tell: (call: (listener: MetadataLogListener) => void) => void;
}

export class Leadership {
  readonly #options: LeadershipOptions;
  #told: { readonly id: NodeId | null; readonly epoch: number } = { id: null, epoch: 0 };
  /** The epoch in which this node leads, whether activated or not. */
  #leading: number | null = null;
  #active: number | null = null;

  constructor(options: LeadershipOptions) {
    this.#options = options;
  }

  /** Called after every step. Returns true when this node was leader and no longer is. */
  update(): boolean {
    const { core, logger, tell } = this.#options;
    const { epoch, role } = core.state;
    const leading = role.name === 'leader' ? epoch : null;
    const lost = this.#leading !== null && this.#leading !== leading;
    this.#leading = leading;
    if (lost) this.#deactivate();
    const id = core.leaderId;
    if (id !== this.#told.id || epoch !== this.#told.epoch) {
      const before = this.#told;
      this.#told = { id, epoch };
      const news =
        id === null ? `No leader of the quorum yet: ${standing[role.name]}` : `Node ${id} leads the quorum`;
      logger.info(news, { epoch, ...(before.id === null ? {} : { formerLeader: before.id }) });
      tell((listener) => listener.onLeaderChange({ id, epoch }));
    }
    return lost;
  }

  delivered(endOffset: number): void {
    const { core, logger, tell } = this.#options;
    const { role, epoch } = core.state;
    if (this.#leading === null || this.#active !== null || role.name !== 'leader' || this.#leading !== epoch)
      return;
    const { startOffset } = role;
    if (endOffset <= startOffset) return;
    this.#active = epoch;
    logger.debug('The log up to the beginning of this epoch is delivered', { epoch, startOffset });
    tell((listener) => listener.onActivated(epoch, startOffset));
  }

  stop(): void {
    this.#leading = null;
    this.#deactivate();
  }

  #deactivate(): void {
    const epoch = this.#active;
    if (epoch === null) return;
    this.#active = null;
    this.#options.tell((listener) => listener.onDeactivated(epoch));
  }
}
