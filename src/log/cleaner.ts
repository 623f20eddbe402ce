import type { OffsetCheckpoint } from './checkpoints.ts';
import type { LogManagerSettings } from './log-settings.ts';
import type { LogResources } from './log-state.ts';
import type { PartitionLog } from './partition-log.ts';

export interface LogCleanerOptions {
  readonly resources: LogResources;
  readonly settings: LogManagerSettings;
  readonly logs: () => readonly { readonly log: PartitionLog; readonly directory: string }[];
  readonly onProgress: (directory: string) => void;
  readonly onFailure: (log: PartitionLog, error: unknown) => void;
}

export class LogCleaner {
  readonly #options: LogCleanerOptions;
  readonly #checkpoints = new Map<string, OffsetCheckpoint>();

  constructor(options: LogCleanerOptions) {
    this.#options = options;
  }

  restore(directory: string, checkpoint: OffsetCheckpoint): void {
    this.#checkpoints.set(directory, checkpoint);
  }

  checkpointOf(directory: string, name: string): number | null {
    return this.#checkpoints.get(directory)?.get(name) ?? null;
  }

  async cleanOnce(): Promise<void> {
    void this.#options;
  }

  async stop(): Promise<void> {}
}
