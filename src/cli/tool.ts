/**
 * What a tool is: a function that gets the arguments and the streams of the process and returns an exit status. The launcher in
 * `bin/` loads the module of the tool that was called; tests call `main` with streams of their own.
 */

export interface CliIo {
  stdout(output: string | Uint8Array): void;
  stderr(text: string): void;
  /** The lines of standard input, without line ends. */
  stdinLines(): AsyncIterable<string>;
  readonly isStdinTerminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Calls `handler` at Ctrl-C (SIGINT) and at SIGTERM. Returns a function that ends this. */
  onSignal(handler: (signal: 'SIGINT' | 'SIGTERM') => void): () => void;
}

export type ToolMain = (args: readonly string[], io: CliIo) => Promise<number>;

/**
 * A wrong command line, or a failure with a message for the user. The message is printed as it is. The exit status is 1 if no
 * other one is given.
 */
export class ToolError extends Error {
  override readonly name = 'ToolError';
  readonly status: number;
  /** The stream to which Kafka's tool prints this message. */
  readonly stream: 'stdout' | 'stderr';

  constructor(message: string, options: { status?: number; stream?: 'stdout' | 'stderr' } = {}) {
    super(message);
    this.status = options.status ?? 1;
    this.stream = options.stream ?? 'stderr';
  }
}
