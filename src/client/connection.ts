/**
 * One connection to one broker. It asks once for the API versions that the broker supports, sends requests, and matches
 * responses to requests by their order. When a request gets no response in time, the connection is closed.
 */
import type { Clock, Scheduler, Timer } from '../base/clock.ts';
import type { Address, Connection, Network } from '../base/network.ts';
import { decode } from '../protocol/codec/codec.ts';
import { Errors, errorOf, KafkaError } from '../protocol/errors.ts';
import { decodeResponseHeader, requestFrame } from '../protocol/frames.ts';
import { ApiVersionsRequest, ApiVersionsResponse } from '../protocol/messages/cluster/18-api-versions.ts';
import type { Infer, Init, Message, Shape } from '../protocol/schema/fields.ts';
import { FrameBuffer } from './frame-buffer.ts';

export interface ClientPorts {
  readonly network: Pick<Network, 'connect'>;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
}

export interface ConnectionOptions {
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
}

interface Pending {
  readonly correlationId: number;
  readonly response: Message;
  readonly version: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: Timer;
}

/**
 * The connection broke or was closed, or the broker did not respond in time. The request may or may not have been carried out.
 */
export class DisconnectedError extends Error {
  override readonly name = 'DisconnectedError';
}

export interface VersionSpan {
  readonly min: number;
  readonly max: number;
}

export class BrokerConnection {
  readonly address: Address;
  /** The versions that the broker supports, by API key. */
  readonly served = new Map<number, VersionSpan>();
  onClose: () => void = () => {};
  isClosed = false;
  private readonly connection: Connection;
  private readonly scheduler: Scheduler;
  private readonly options: ConnectionOptions;
  private readonly pending: Pending[] = [];
  private readonly frames = new FrameBuffer();
  private correlationId = 0;

  private constructor(
    connection: Connection,
    address: Address,
    scheduler: Scheduler,
    options: ConnectionOptions,
  ) {
    this.connection = connection;
    this.address = address;
    this.scheduler = scheduler;
    this.options = options;
    connection.onData = (chunk): void => this.receive(chunk);
    connection.onClose = (error): void =>
      this.fail(new DisconnectedError(error?.message ?? 'connection closed'));
  }

  /** Connects and requests the versions that the broker supports (ApiVersions). */
  static async open(
    address: Address,
    ports: ClientPorts,
    options: ConnectionOptions,
  ): Promise<BrokerConnection> {
    const socket = await ports.network.connect(address, options.connectTimeoutMs);
    const connection = new BrokerConnection(socket, address, ports.scheduler, options);
    try {
      await connection.negotiate();
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  }

  private async negotiate(): Promise<void> {
    const software = { clientSoftwareName: 'bendemann', clientSoftwareVersion: '1' };
    let answer = await this.send(ApiVersionsRequest, ApiVersionsResponse, 3, software);
    if (answer.errorCode === Errors.UNSUPPORTED_VERSION.code) {
      answer = await this.send(ApiVersionsRequest, ApiVersionsResponse, 0, {});
    }
    if (answer.errorCode !== 0) throw new KafkaError(errorOf(answer.errorCode));
    for (const api of answer.apiKeys) {
      this.served.set(api.apiKey, { min: api.minVersion, max: api.maxVersion });
    }
  }

  /**
   * The newest version that both sides support, at most `versionMax`, and none that Kafka calls unstable. Throws
   * UNSUPPORTED_VERSION when there is none.
   */
  versionOf(message: Message, versionMax = message.versions.max): number {
    const span = this.served.get(message.key);
    const unsupported = `The node does not support ${upperSnakeCase(message.name)}`;
    if (span === undefined) throw new KafkaError(Errors.UNSUPPORTED_VERSION, unsupported);
    const { min } = message.versions;
    const max = Math.min(versionMax, message.versions.max - (message.latestVersionUnstable ? 1 : 0));
    const version = Math.min(span.max, max);
    if (version < Math.max(span.min, min)) {
      throw new KafkaError(
        Errors.UNSUPPORTED_VERSION,
        `${unsupported} with version in range [${min},${max}]. The supported range is [${span.min},${span.max}].`,
      );
    }
    return version;
  }

  /** Sends one request, in `options.version` or else in the newest common version. */
  request<Q extends Shape, R extends Shape>(
    request: Message<Q>,
    response: Message<R>,
    init: Init<Message<Q>>,
    options: { version?: number; versionMax?: number; timeoutMs?: number } = {},
  ): Promise<Infer<Message<R>>> {
    const version = options.version ?? this.versionOf(request, options.versionMax);
    return this.send(request, response, version, init, options.timeoutMs);
  }

  send<Q extends Shape, R extends Shape>(
    request: Message<Q>,
    response: Message<R>,
    version: number,
    init: Init<Message<Q>>,
    timeoutMs = this.options.requestTimeoutMs,
  ): Promise<Infer<Message<R>>> {
    if (this.isClosed) return Promise.reject(new DisconnectedError('connection closed'));
    const correlationId = this.correlationId++;
    const frame = requestFrame(request, this.headerOf(version, correlationId), init);
    const answered = new Promise<unknown>((resolve, reject) => {
      const timer = this.scheduler.after(timeoutMs, () => this.breakOff(`no answer within ${timeoutMs} ms`));
      this.pending.push({ correlationId, response, version, resolve, reject, timer });
    });
    this.connection.write(frame);
    return answered as Promise<Infer<Message<R>>>;
  }

  /** Sends a request that has no response: Produce with acks=0. */
  sendOneWay<Q extends Shape>(request: Message<Q>, version: number, init: Init<Message<Q>>): void {
    if (this.isClosed) throw new DisconnectedError('connection closed');
    this.connection.write(requestFrame(request, this.headerOf(version, this.correlationId++), init));
  }

  close(): void {
    this.connection.end();
    this.fail(new DisconnectedError('connection closed'));
  }

  private headerOf(apiVersion: number, correlationId: number) {
    return { apiVersion, correlationId, clientId: this.options.clientId };
  }

  /**
   * Handles received bytes. After the end of this connection they are ignored, because all pending requests have failed
   * already.
   */
  private receive(chunk: Uint8Array): void {
    if (this.isClosed) return;
    this.frames.push(chunk);
    try {
      for (let frame = this.frames.shift(); frame !== null; frame = this.frames.shift()) this.answer(frame);
    } catch (error) {
      this.breakOff(`the peer does not speak Kafka's protocol: ${(error as Error).message}`);
    }
  }

  /**
   * Throws when the response does not match the oldest request; then no later response can be matched either. A body that
   * cannot be decoded fails only its own request.
   */
  private answer(frame: Uint8Array): void {
    const [pending] = this.pending;
    if (pending === undefined) throw new Error('a response without a pending request');
    const header = decodeResponseHeader(pending.response, pending.version, frame);
    if (header.correlationId !== pending.correlationId)
      throw new Error(
        `a response with correlation id ${header.correlationId} instead of ${pending.correlationId}`,
      );
    this.pending.shift();
    pending.timer.cancel();
    try {
      pending.resolve(decode(pending.response, pending.version, frame, header.bodyAt));
    } catch (error) {
      pending.reject(error as Error);
    }
  }

  private breakOff(why: string): void {
    this.fail(new DisconnectedError(why));
    this.connection.destroy();
  }

  private fail(error: Error): void {
    if (this.isClosed) return;
    this.isClosed = true;
    for (const pending of this.pending.splice(0)) {
      pending.timer.cancel();
      pending.reject(error);
    }
    this.onClose();
  }
}

/** The name of a request in the spelling of Kafka's messages: DESCRIBE_CLIENT_QUOTAS for DescribeClientQuotasRequest. */
function upperSnakeCase(requestName: string): string {
  return requestName
    .replace(/Request$/, '')
    .replace(/(?<=[a-z])(?=[A-Z])/g, '_')
    .toUpperCase();
}
