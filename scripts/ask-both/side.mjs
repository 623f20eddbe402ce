/** One of the two systems: sends raw frames, and returns decoded responses without the parts that differ from run to run. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ready, root } from '../lib/ready.mjs';

ready();
const load = (path) => import(pathToFileURL(join(root, 'dist', path)).href);
const { requestFrame, decodeResponseHeader } = await load('protocol/frames.js');
const { decode, EncodeError } = await load('protocol/codec/codec.js');
export const { ApiKey, messageOf } = await load('protocol/messages/api-keys.js');
const { errorOf } = await load('protocol/errors.js');
export const { buildBatch } = await load('protocol/records/builder.js');
const { brokerProperties: allBrokerProperties } = await load('config/broker-properties.js');
const { ownProperties } = await load('config/tables/own.js');
/** The keys of our broker that Kafka has too. */
export const brokerProperties = Object.fromEntries(
  Object.entries(allBrokerProperties).filter(([key]) => !Object.hasOwn(ownProperties, key)),
);
export const { groupProperties } = await load('config/tables/entities.js');
export const { topicProperties } = await load('config/tables/topic.js');
export const { updateCrc } = await load('protocol/records/batch.js');

const answerMs = 5000;
const zeroId = 'AAAAAAAAAAAAAAAAAAAAAA';

export function versionsOf(question, side) {
  const span = side.served.get(ApiKey[question.api]);
  if (span === undefined) return [];
  const { versions } = messageOf(ApiKey[question.api]).request;
  const [first, last] = [Math.max(span.min, versions.min), Math.min(span.max, versions.max)];
  const all = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
  if (question.once === true) return all.slice(-1);
  return question.versions === undefined ? all : all.filter((version) => question.versions(version));
}

export class Side {
  /** `host:port`. */
  address = '';
  /** A second connection, for requests that the first one waits for. */
  other = null;
  served = new Map();
  /** The ids of topics by name, and their names by id. */
  topicIds = new Map();
  names = new Map();
  /** Values that a table keeps for its later questions, such as ids of members. */
  kept = {};

  static async open(address) {
    const side = new Side();
    side.address = address;
    await side.connect();
    const answer = await side.exchange(ApiKey.ApiVersions, 3, {
      clientSoftwareName: 'ask-both',
      clientSoftwareVersion: '1',
    });
    for (const one of answer.apiKeys)
      side.served.set(one.apiKey, { min: one.minVersion, max: one.maxVersion });
    return side;
  }

  async connect() {
    const at = this.address.lastIndexOf(':');
    const socket = connect(Number(this.address.slice(at + 1)), this.address.slice(0, at));
    this.socket = socket;
    this.bytes = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      this.bytes = Buffer.concat([this.bytes, chunk]);
      this.wake?.();
    });
    const closed = () => {
      this.socket = null;
      this.wake?.();
    };
    socket.on('close', closed);
    socket.on('error', closed);
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
  }

  close() {
    this.other?.close();
    this.socket?.destroy();
  }

  async frame() {
    const end = Date.now() + answerMs;
    while (this.bytes.length < 4 || this.bytes.length < 4 + this.bytes.readInt32BE(0)) {
      if (this.socket === null) return 'closed';
      if (Date.now() > end) {
        this.socket.destroy();
        return 'no answer';
      }
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, 200);
        this.wake = () => (clearTimeout(timer), resolve());
      });
    }
    const size = this.bytes.readInt32BE(0);
    const frame = this.bytes.subarray(4, 4 + size);
    this.bytes = this.bytes.subarray(4 + size);
    return frame;
  }

  /** Sends a request and does not wait for its response. */
  send(key, version, body) {
    const { request } = messageOf(key);
    const header = { apiVersion: version, correlationId: 7, clientId: 'ask-both' };
    this.socket.write(Buffer.concat(requestFrame(request, header, body)));
  }

  async exchange(key, version, body) {
    const { response } = messageOf(key);
    if (this.socket === null) await this.connect();
    this.send(key, version, body);
    const frame = await this.frame();
    if (typeof frame === 'string') return frame;
    const { bodyAt } = decodeResponseHeader(response, version, frame);
    return decode(response, version, frame, bodyAt);
  }

  /** Asks a question. Returns the answer in a form that can be compared and stored as JSON. */
  async ask(question, version) {
    const key = ApiKey[question.api];
    if (!this.served.has(key)) return 'not served';
    try {
      const answer = await this.exchange(key, version, await question.body(version, this));
      if (typeof answer === 'string') return answer;
      await question.keep?.(answer, this, version);
      return this.plain(answer, question);
    } catch (error) {
      if (error instanceof EncodeError) return 'not expressible';
      throw error;
    }
  }

  learn({ name, topicId, errorCode }) {
    if (errorCode !== 0 || !name || topicId === undefined || String(topicId) === zeroId) return;
    this.topicIds.set(name, topicId);
    this.names.set(String(topicId), name);
  }

  plain(value, question, name = '') {
    if (question.skip?.includes(name) === true) return undefined;
    if (name === 'throttleTimeMs' || name === 'timestamp' || name === 'documentation') return undefined;
    if (value instanceof Uint8Array) return `${value.length} bytes`;
    if (Array.isArray(value)) {
      const list = value.map((one) => this.plain(one, question, `${name}[]`));
      return question.ordered === true
        ? list
        : list.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    }
    if (name === 'errorCode') return `${value} ${errorOf(value).name}`;
    if (typeof value === 'string' && this.names.has(value)) return `id of ${this.names.get(value)}`;
    if (typeof value === 'string') {
      for (const [name, kept] of Object.entries(this.kept)) if (value === kept) return `<${name}>`;
      return (question.scrub === true ? value.replaceAll(/-?\d{6,}/g, 'N') : value)
        .replaceAll(this.address.split(':').pop(), 'PORT')
        .replaceAll(String(Number(this.address.split(':').pop()) + 1), 'PORT+1')
        .replaceAll(/\/tmp\/reports\/\w+/g, 'DIR');
    }
    if (name === 'port') return value === Number(this.address.split(':').pop()) ? 'PORT' : value;
    if (typeof value === 'bigint') return String(value);
    if (value === null || typeof value !== 'object') return value;
    const entries = Object.entries(value).map(([key, one]) => [key, this.plain(one, question, key)]);
    return Object.fromEntries(entries.filter(([, one]) => one !== undefined));
  }
}

/** Returns the differences between two answers as text, or null. */
export function compareRow(kafka, ours) {
  const lines = [];
  walk(kafka, ours, '', lines);
  return lines.length === 0 ? null : lines.join('\n');
}

function walk(a, b, path, lines) {
  if (JSON.stringify(a) === JSON.stringify(b)) return;
  const both = a !== null && b !== null && typeof a === 'object' && typeof b === 'object';
  if (both && Array.isArray(a) === Array.isArray(b) && (!Array.isArray(a) || a.length === b.length)) {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
      walk(a[key], b[key], `${path}.${key}`, lines);
    return;
  }
  lines.push(`  ${path}\n    kafka: ${short(a)}\n    ours:  ${short(b)}`);
}

const short = (value) => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
};
