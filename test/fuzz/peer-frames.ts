/**
 * What the fuzzer sends to a node as if it were a peer: streams of every channel with a valid or an invalid hello, valid
 * messages, messages with one mistake, unknown kinds, wrong lengths, and messages beyond the bounds.
 *
 * After a valid hello, the fuzzer sends only what a process that is no voter can send: Raft does not defend against a voter
 * that lies. So on the Raft channels the hello names a node that is no voter.
 */
import fc from 'fast-check';
import grpc from '@grpc/grpc-js';
import { controllerRequests } from '../../src/controller/requests.ts';
import type { Address, ChannelName, PeerMessage } from '../../src/base/network.ts';
import { writeVarint } from '../../src/base/protobuf.ts';
import type { SeededRandom as Random } from '../../src/simulation/random.ts';
import { loadPeerService, type PeerService } from '../../src/wire/service.ts';
import { messages } from '../wire/messages.ts';
import { callOf, requests } from './frames.ts';

export const channels = Object.keys(messages) as ChannelName[];

/** A stream: what is sent on it, one message after the other. */
export interface PeerTalk {
  readonly path: string;
  readonly frames: readonly Buffer[];
}

/** Beyond `peerRequestBytesMax`, by which the stream ends. */
const tooManyBytes = 25 * 1024 * 1024;
const strangerId = 77;
/** The APIs of the channels that carry requests of Kafka's protocol. */
const served: Partial<Record<ChannelName, readonly number[]>> = {
  controller: Object.keys(controllerRequests).map(Number),
  broker: requests.map(({ key }) => key),
};

/** A field of `number` that says it is `lengthBytes` long, and what really follows. */
function claimed(number: number, lengthBytes: number, content: Uint8Array): Buffer {
  const head = new Uint8Array(20);
  const end = writeVarint(head, writeVarint(head, 0, number * 8 + 2), lengthBytes);
  return Buffer.concat([head.subarray(0, end), content]);
}

export class PeerFuzz {
  readonly #service: PeerService;
  readonly #random: Random;
  readonly #clusterId: string;

  private constructor(service: PeerService, random: Random, clusterId: string) {
    this.#service = service;
    this.#random = random;
    this.#clusterId = clusterId;
  }

  static async create(random: Random, clusterId: string): Promise<PeerFuzz> {
    return new PeerFuzz(await loadPeerService(), random, clusterId);
  }

  /** A hello and up to `count` messages of one channel. */
  talk(count: number): PeerTalk {
    const channel = channels[this.#random.u32() % channels.length] as ChannelName;
    const method = this.#service[channel];
    const grammar = fc.oneof(...messages[channel].request);
    const some = fc.sample(grammar, { numRuns: count, seed: this.#random.u32() & 0x7fff_ffff });
    const frames = some.map((message) => {
      const bytes = Buffer.from(method.encodeRequest(this.#withRequest(channel, message)));
      return this.#random.chance(0.5) ? bytes : this.#spoilt(bytes);
    });
    if (this.#random.chance(0.8)) frames.unshift(Buffer.from(method.encodeRequest(this.#hello())));
    return { path: method.path, frames };
  }

  /** A call with a valid request of an API that the channel serves, in most cases; random bytes seldom are one. */
  #withRequest(channel: ChannelName, message: PeerMessage): PeerMessage {
    const apiKeys = served[channel];
    if (message.type !== 'call' || apiKeys === undefined || this.#random.chance(0.2)) return message;
    return { ...message, ...callOf(this.#random, apiKeys) };
  }

  #hello(): PeerMessage {
    const fits = {
      type: 'hello',
      clusterId: this.#random.chance(0.9) ? this.#clusterId : 'AAAAAAAAAAAAAAAAAAAAAw',
      nodeId: strangerId,
      directoryId: 'AAAAAAAAAAAAAAAAAAAAAg',
      bootId: this.#random.u32(),
      versionMin: this.#random.chance(0.9) ? 1 : this.#random.u32() & 0xffff,
      versionMax: 3,
      release: 'fuzz',
      wantedNodeId: -1,
    };
    return fits;
  }

  #spoilt(bytes: Buffer): Buffer {
    const bad = Buffer.from(bytes);
    const at = this.#random.u32() % Math.max(1, bad.length);
    switch (this.#random.u32() % 7) {
      case 0:
        bad[at] = this.#random.u32() & 255;
        return bad;
      case 1:
        return bad.subarray(0, at);
      case 2:
        return Buffer.concat([bad, bytes]);
      // A kind of message, and a field, that no release knows.
      case 3:
        return claimed(15, bytes.length, bytes);
      case 4:
        return Buffer.concat([bad, claimed(100, 3, Buffer.from('abc'))]);
      case 5:
        return claimed(2, 2 ** (7 * (1 + (this.#random.u32() % 7))) - 1, bytes);
      default:
        return this.#random.chance(0.02) ? Buffer.alloc(tooManyBytes, 10) : bad;
    }
  }
}

/** Sends a talk; resolves once the node ended the stream, or after `patienceMs`. */
export function speak(node: Address, { path, frames }: PeerTalk, patienceMs: number): Promise<void> {
  const client = new grpc.Client(`${node.host}:${node.port}`, grpc.credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
  });
  return new Promise((resolve) => {
    const same = (bytes: Buffer): Buffer => bytes;
    const call = client.makeBidiStreamRequest<Buffer, Buffer>(path, same, same);
    const over = (): void => {
      clearTimeout(timer);
      client.close();
      resolve();
    };
    const timer = setTimeout(() => call.cancel(), patienceMs);
    call.on('data', () => undefined);
    call.on('error', () => undefined);
    call.on('status', over);
    for (const bytes of frames) call.write(bytes);
    call.end();
  });
}
