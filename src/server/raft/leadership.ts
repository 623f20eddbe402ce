/**
 * Tells listeners who leads, and when this node may act as the active controller: once an entry of its own epoch is
 * committed and everything before it was delivered. Every activation is followed by a deactivation.
 */
import type { NodeId } from '../../base/ids.ts';
import type { MetadataLogListener } from '../../raft/api.ts';
import type { RaftCore } from '../../raft/core.ts';
import type { Logger } from '../../telemetry/logger.ts';

export interface LeadershipOptions {
  readonly core: RaftCore;
  readonly logger: Logger;
  readonly tell: (call: (listener: MetadataLogListener) => void) => void;
}

export class Leadership {
  readonly #options: LeadershipOptions;
  #told: { readonly id: NodeId | null; readonly epoch: number } = { id: null, epoch: 0 };
  /** Epoch in which this node leads, activated or not. */
  #leading: number | null = null;
  #active: number | null = null;

  constructor(options: LeadershipOptions) {
    this.#options = options;
  }

  /** After every step. True when this node was leader and no longer is. */
  update(): boolean {
    const { core, logger, tell } = this.#options;
    const { epoch, role } = core.state;
    const leading = role.name === 'leader' ? epoch : null;
    const lost = this.#leading !== null && this.#leading !== leading;
    this.#leading = leading;
    if (lost) this.#deactivate();
    const id = core.leaderId;
    if (id !== this.#told.id || epoch !== this.#told.epoch) {
      this.#told = { id, epoch };
      logger.info(id === null ? 'No leader is known' : 'The leader is known', {
        leader: id,
        epoch,
        role: role.name,
      });
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
    logger.info('This node is the active controller', { epoch, startOffset });
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
