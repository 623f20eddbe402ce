/**
 * The line reader of kafka-console-producer: splits a line into key, headers and value. Properties of the reader set the
 * separators.
 */
import type { ProducerRecord } from '../../client/producer.ts';
import { ToolError } from '../tool.ts';

type Headers = { key: string; value: Uint8Array | null }[];

const encoder = new TextEncoder();

export class LineReader {
  readonly topic: string;
  private readonly parsesKey: boolean;
  private readonly parsesHeaders: boolean;
  private readonly ignoresError: boolean;
  private readonly keySeparator: string;
  private readonly headersDelimiter: string;
  private readonly headersSeparator: string;
  private readonly headersKeySeparator: string;
  private readonly nullMarker: string | null;
  private lineCount = 0;

  constructor(topic: string, properties: ReadonlyMap<string, string>) {
    const flag = (name: string): boolean => properties.get(name)?.trim().toLowerCase() === 'true';
    const text = (name: string, otherwise: string): string =>
      (properties.get(name) ?? otherwise).replaceAll('\\t', '\t');
    this.topic = topic;
    this.parsesKey = flag('parse.key');
    this.parsesHeaders = flag('parse.headers');
    this.ignoresError = flag('ignore.error');
    this.keySeparator = text('key.separator', '\t');
    this.headersDelimiter = text('headers.delimiter', '\t');
    this.headersSeparator = text('headers.separator', ',');
    this.headersKeySeparator = text('headers.key.separator', ':');
    this.nullMarker = properties.get('null.marker') ?? null;
    this.checkSeparators();
  }

  /**
   * Makes a record of a line. Throws, with Kafka's message, when a separator is missing and `ignore.error` is not set, and when
   * the key of a header is the null marker.
   */
  read(line: string): ProducerRecord {
    this.lineCount++;
    let rest = line;
    let headers: Headers = [];
    if (this.parsesHeaders) {
      const [part, after] = this.cut(rest, this.headersDelimiter, 'headers delimiter');
      if (part !== null && part !== this.nullMarker) headers = this.headers(part);
      rest = after;
    }
    let key: Uint8Array | null = null;
    if (this.parsesKey) {
      const [part, after] = this.cut(rest, this.keySeparator, 'key separator');
      key = part === null ? null : this.bytes(part);
      rest = after;
    }
    return { topic: this.topic, key, value: this.bytes(rest), headers };
  }

  private checkSeparators(): void {
    const isSame = this.headersDelimiter === this.headersSeparator;
    if (this.parsesHeaders && isSame)
      throw new ToolError('headers.delimiter and headers.separator may not be equal');
    if (this.parsesHeaders && this.headersDelimiter === this.headersKeySeparator) {
      throw new ToolError('headers.delimiter and headers.key.separator may not be equal');
    }
    if (this.parsesHeaders && this.headersSeparator === this.headersKeySeparator) {
      throw new ToolError('headers.separator and headers.key.separator may not be equal');
    }
  }

  /**
   * Splits at the first `separator`. When there is none and errors are ignored, the first part is null and the rest is the
   * whole text.
   */
  private cut(text: string, separator: string, what: string): [string | null, string] {
    const at = text.indexOf(separator);
    if (at >= 0) return [text.slice(0, at), text.slice(at + separator.length)];
    if (this.ignoresError) return [null, text];
    throw new Error(`No ${what} found on line number ${this.lineCount}: '${text}'`);
  }

  private headers(text: string): Headers {
    return text.split(this.headersSeparator).map((pair) => {
      const at = pair.indexOf(this.headersKeySeparator);
      if (at < 0 && !this.ignoresError) {
        throw new Error(`No header key separator found in pair '${pair}' on line number ${this.lineCount}`);
      }
      if (at < 0) return { key: pair, value: null };
      const key = pair.slice(0, at);
      if (key === this.nullMarker)
        throw new Error(`Header keys should not be equal to the null marker '${key}' as they can't be null`);
      return { key, value: this.bytes(pair.slice(at + this.headersKeySeparator.length)) };
    });
  }

  private bytes(text: string): Uint8Array | null {
    return text === this.nullMarker ? null : encoder.encode(text);
  }
}
