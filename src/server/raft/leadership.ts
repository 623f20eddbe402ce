/**
 * Tells the listeners which node leads the quorum, and when this node becomes the active controller: when an entry of its own
 * epoch is committed and everything before it is delivered. Each `onActivated` is followed by `onDeactivated` at the end of the
 * leadership.
 */
import type { NodeId } from '../../base/ids.ts';
import type { MetadataLogListener } from '../../raft/api.ts';
import type { RaftCore } from '../../raft/core.ts';
import type { Logger } from '../../telemetry/logger.ts';

/** What this node does while it knows no leader, by its role; a part of the log line. */
const standing = {
  unattached: 'waiting for one',
  follower: 'waiting for one',
  resigned: 'this node led it and no longer does',
  prospective:
    'the last leader no longer responds, and this node asks the voters whether they would elect it',
  candidate: 'this node is a candidate',
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
  /** The epoch in which this node leads, even if it is not the active controller yet; null: it does not lead. */
  #leading: number | null = null;
  #active: number | null = null;

  constructor(options: LeadershipOptions) {
    this.#options = options;
  }

  /** Called after every step of the core. Returns true when this node has just lost the leadership. */
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
