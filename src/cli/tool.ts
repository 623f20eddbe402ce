/**
 * The interface of a tool: a function from arguments and the process's streams to an exit status. The launcher (`bin/`) loads the
 * one module that a tool needs; tests call `main` with streams of their own.
 */

export interface CliIo {
  stdout(output: string | Uint8Array): void;
  stderr(text: string): void;
  /** Lines of standard input, without their ends. */
  stdinLines(): AsyncIterable<string>;
  readonly isStdinTerminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Calls `handler` at Ctrl-C or termination; returns the function that ends it. */
  onSignal(handler: (signal: 'SIGINT' | 'SIGTERM') => void): () => void;
}

export type ToolMain = (args: readonly string[], io: CliIo) => Promise<number>;

/** A wrong command line, or a failure with a message for the user: printed as it is, status 1. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
  readonly status: number;
  /** The stream to which Kafka's tool of that name prints it. */
  readonly stream: 'stdout' | 'stderr';

  constructor(message: string, options: { status?: number; stream?: 'stdout' | 'stderr' } = {}) {
    super(message);
    this.status = options.status ?? 1;
    this.stream = options.stream ?? 'stderr';
  }
}
