/**
 * The APIs that the brokers serve to clients, with what a fault on each of them can select and do. This is read from the
 * schemas of the messages: `request-parts.ts` finds topics, groups and transactional ids in a sample of the request as it does
 * in a real one.
 */
import type { Handler } from '../../broker/handler.ts';
import type { Field, Shape } from '../../protocol/schema/fields.ts';
import { cutRequest, groupsOf, isErrorField, type PartFilter, transactionalIdsOf } from './request-parts.ts';

/** What filters and effects need of an API's messages, each with the words of an error message. */
export const traits = {
  topic: 'requests that name a topic',
  topicId: 'requests that name a topic id',
  partition: 'requests that name a partition',
  group: 'requests that name a group',
  transactionalId: 'requests that name a transactional id',
  error: 'responses with an error code',
  throttleMs: 'responses with a throttle time',
  corrupt: 'responses with records',
} as const;

export type Trait = keyof typeof traits;

const sampleText = 'sample';
/**
 * Each number in a sample request is one of these. 0 and 1 are FindCoordinator's key types group and transaction; 2 is the
 * resource type topic.
 */
const sampleNumbers = [0, 1, 2];

/** The messages of an API, in the versions that a broker serves. */
type ServedMessages = Pick<Handler, 'request' | 'response' | 'minVersion' | 'maxVersion'>;

/** The fields of a struct that at least one served version has. */
function servedFields(shape: Shape, { minVersion, maxVersion }: ServedMessages): [string, Field][] {
  return Object.entries(shape).filter(
    ([, { versions }]) => versions.min <= maxVersion && versions.max >= minVersion,
  );
}

/** A message in which every list has one element, every text is `sampleText` and every number is `number`. */
function sampleOf(shape: Shape, served: ServedMessages, number: number): Readonly<Record<string, unknown>> {
  const valueOf = ({ kind, element, fields }: Field): unknown => {
    if (fields !== null) return sampleOf(fields, served, number);
    if (kind === 'array') return element === null ? [] : [valueOf(element)];
    if (kind === 'string' || kind === 'uuid') return sampleText;
    return kind === 'bytes' || kind === 'records' ? new Uint8Array(0) : number;
  };
  return Object.fromEntries(servedFields(shape, served).map(([name, field]) => [name, valueOf(field)]));
}

/** Whether a message has such a field, at whatever depth. */
function hasField(
  shape: Shape,
  served: ServedMessages,
  isMeant: (name: string, field: Field) => boolean,
): boolean {
  return servedFields(shape, served).some(([name, field]) => {
    const inner = field.fields ?? field.element?.fields ?? null;
    return isMeant(name, field) || (inner !== null && hasField(inner, served, isMeant));
  });
}

/** The traits that the messages of an API have. */
export function traitsOf(served: ServedMessages): ReadonlySet<Trait> {
  const { fields } = served.response;
  const samples = sampleNumbers.map((number) => sampleOf(served.request.fields, served, number));
  const selects = (filter: PartFilter): boolean =>
    samples.some((sample) => cutRequest(sample, filter, () => sampleText).meant !== null);
  const has: Readonly<Record<Trait, boolean>> = {
    topic: selects({ topic: sampleText }),
    topicId: selects({ topicId: sampleText }),
    partition: sampleNumbers.some((partition) => selects({ partition })),
    group: samples.some((sample) => groupsOf(sample).length > 0),
    transactionalId: samples.some((sample) => transactionalIdsOf(sample).length > 0),
    error: hasField(fields, served, isErrorField),
    throttleMs: servedFields(fields, served).some(([name]) => name === 'throttleTimeMs'),
    corrupt: hasField(fields, served, (_name, { kind }) => kind === 'records'),
  };
  return new Set((Object.keys(traits) as Trait[]).filter((trait) => has[trait]));
}

/** What `kafka.fault`, `kafka.on` and `kafka.requests` check names of APIs and numbers of nodes against. */
export interface ClusterFacts {
  readonly apis: ClientApis;
  readonly nodeCount: number;
}

export class ClientApis {
  private readonly handlers: () => readonly Handler[];
  private known: ReadonlyMap<string, ReadonlySet<Trait>> = new Map();

  /** @param handlers returns the request handlers of the running nodes; none while no node runs */
  constructor(handlers: () => readonly Handler[]) {
    this.handlers = handlers;
  }

  /** Throws TypeError when the brokers serve no API of this name to clients. */
  check(name: string): void {
    if (!this.served().has(name))
      throw new TypeError(
        `'${String(name)}' is not a Kafka API that these brokers serve to clients; names are, for example, Produce, Fetch, OffsetCommit.`,
      );
  }

  /**
   * Those of `apis`, or of all if it is undefined, whose messages have everything that is needed. Throws TypeError when one of
   * `apis` lacks something, and when none is left: a fault on it could never act.
   */
  having(apis: readonly string[] | undefined, needed: readonly Trait[]): ReadonlySet<string> {
    for (const name of apis ?? []) {
      const lacking = needed.find((trait) => this.served().get(name)?.has(trait) !== true);
      if (lacking !== undefined)
        throw new TypeError(
          `fault: ${lacking} can't be used with ${name}: ${name} has no ${traits[lacking]}.`,
        );
    }
    const all = apis ?? [...this.served().keys()];
    const fitting = all.filter((name) => needed.every((trait) => this.served().get(name)?.has(trait)));
    if (fitting.length === 0)
      throw new TypeError(
        `fault: ${needed.join(' and ')} can't be used${needed.length > 1 ? ' together' : ''}: no API has ${needed.map((trait) => traits[trait]).join(' and ')}.`,
      );
    return new Set(fitting);
  }

  private served(): ReadonlyMap<string, ReadonlySet<Trait>> {
    if (this.known.size === 0)
      this.known = new Map(this.handlers().map((handler) => [handler.name, traitsOf(handler)]));
    return this.known;
  }
}
