/**
 * The log of the nodes of a test cluster. It keeps the newest lines of all nodes together, which the error of a time-out shows,
 * and writes lines where the option `log` says. The line of an error may have several lines of text (its stack).
 */
import { createConsoleLogger } from '../../adapters/console-logger.ts';
import type { Logger } from '../../telemetry/logger.ts';

const linesMax = 200;

/**
 * Where log lines are written: `'silent'`: nowhere; `'warn'`: warnings and errors to stderr; a function gets every line.
 *
 * @example
 * ```ts
 * const lines: string[] = [];
 * await startKafka({ log: (line) => lines.push(line) });
 * ```
 */
export type LogOption = 'silent' | 'warn' | ((line: string) => void);

/** Throws TypeError. */
export function checkLog(option: LogOption): void {
  if (option !== 'silent' && option !== 'warn' && typeof option !== 'function')
    throw new TypeError(
      `log must be 'silent', 'warn' or a function of a line, not ${JSON.stringify(option)}.`,
    );
}

export class LogRing {
  private readonly lines: string[] = [];
  private sink: LogOption;

  constructor(sink: LogOption) {
    this.sink = sink;
  }

  logger(nodeId: number, wallMs: () => number): Logger {
    const write = (text: string): void => this.take(`node ${nodeId} ${text.trimEnd()}`);
    return createConsoleLogger({ write, wallMs });
  }

  /** Logs every error of a function of the test; a node logs the same error only once a second. */
  testFailed(nodeId: number, wallMs: number, what: string): void {
    this.logger(nodeId, () => wallMs)
      .child('test')
      .error(what);
  }

  /** The newest lines of one node or of all, oldest first. */
  tail(count: number, nodeId?: number): string[] {
    const wanted =
      nodeId === undefined ? this.lines : this.lines.filter((line) => line.startsWith(`node ${nodeId} `));
    return wanted.slice(-count);
  }

  private take(line: string): void {
    this.lines.push(line);
    if (this.lines.length > linesMax) this.lines.shift();
    if (typeof this.sink === 'function') this.show(line, this.sink);
    else if (this.sink === 'warn' && /\] (WARN|ERROR) /.test(line)) process.stderr.write(`${line}\n`);
  }

  /**
   * Passes a line to the test's function. If the function throws, it is not called again, and the log goes on as with `'warn'`.
   */
  private show(line: string, sink: (line: string) => void): void {
    try {
      sink(line);
    } catch (error) {
      this.sink = 'warn';
      process.stderr.write(
        `The log function of a test cluster threw and is not called any more: ${String(error)}\n`,
      );
    }
  }
}
