import { describe, expect, test } from 'vitest';
import { createHandlerTable } from '../../../src/broker/api/index.ts';
import { FetchSessionCache } from '../../../src/broker/fetch-session.ts';
import { CloseConnection, type Handler, type TwoPhase } from '../../../src/broker/handler.ts';
import { ActiveRequest } from '../../../src/broker/pipeline/active-request.ts';
import { allowAll, type Authorize } from '../../../src/broker/pipeline/authorize.ts';
import { Dispatcher } from '../../../src/broker/pipeline/dispatch.ts';
import { RequestMetrics } from '../../../src/broker/pipeline/request-metrics.ts';
import { MemoryBudget } from '../../../src/broker/pipeline/memory-budget.ts';
import { Purgatories } from '../../../src/broker/purgatory/purgatories.ts';
import { createTransactionVerifier } from '../../../src/broker/txn/transaction-verifier.ts';
import { TopicCreator } from '../../../src/broker/topic-creator.ts';
import { decode, encode } from '../../../src/protocol/codec/codec.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { frameSizeBytes } from '../../../src/protocol/frames.ts';
import type { Field, Shape } from '../../../src/protocol/schema/fields.ts';
import { inVersions } from '../../../src/protocol/schema/versions.ts';
import { readResponse, TestBroker } from '../harness.ts';

/** A request with one element in every array, and with `long`, if it is given, in every int64 field. */
function sample(shape: Shape, version: number, long?: number): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(shape)) {
    if (inVersions(field.versions, version)) body[name] = sampleOf(field, version, long);
  }
  return body;
}

function sampleOf(field: Field, version: number, long?: number): unknown {
  if (field.kind === 'array') return [sampleOf(field.element as Field, version, long)];
  if (field.kind === 'struct') return sample(field.fields as Shape, version, long);
  if (field.kind === 'string') return 'a';
  if (field.kind === 'int64' && long !== undefined) return long;
  return field.default ?? 0;
}

/** All error codes of a response, in all its structs. */
function errorCodes(value: unknown): number[] {
  if (Array.isArray(value)) return value.flatMap(errorCodes);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [];
  return Object.entries(value).flatMap(([name, one]) =>
    name === 'errorCode' ? [one as number] : errorCodes(one),
  );
}

function table(broker: TestBroker) {
  const { services } = broker;
  return createHandlerTable(
    services,
    {
      services,
      creator: new TopicCreator(services),
      sessions: new FetchSessionCache({ slotsMax: 1, partitionsMax: 10, evictionMs: 1, random: () => 1 }),
      fetchBudget: new MemoryBudget(1000),
      purgatories: new Purgatories(services.scheduler, services.imageWatch.purgatory),
      verifier: createTransactionVerifier(services),
      completeOffsets: () => Promise.resolve(),
    },
    [],
  );
}

const handlers = table(new TestBroker()).list('broker');

describe.each(handlers.map((handler) => [handler.name, handler] as const))('%s', (_name, handler) => {
  test('serves only versions that its request and response schemas have', () => {
    expect(handler.request.key).toBe(handler.response.key);
    for (const version of [handler.minVersion, handler.maxVersion]) {
      expect(inVersions(handler.request.versions, version)).toBe(true);
      expect(inVersions(handler.response.versions, version)).toBe(true);
    }
    if (handler.request.latestVersionUnstable)
      expect(handler.maxVersion).toBeLessThan(handler.request.versions.max);
  });

  const versions = Array.from(
    { length: handler.maxVersion - handler.minVersion + 1 },
    (_, i) => handler.minVersion + i,
  );

  test.each(versions)('v%i encodes a refusal and a valid response within its schema', async (version) => {
    const broker = new TestBroker();
    const refused = await answered(broker, handler, version, () => Errors.CLUSTER_AUTHORIZATION_FAILED);
    // Before v3 the response has no field for an error.
    const silent = handler.name === 'DescribeLogDirs' && version < 3;
    expect(errorCodes(refused).includes(31)).toBe(!silent);
    await answered(broker, handler, version, allowAll);
    expect(broker.logger.at('error')).toEqual([]);
  });

  if (!hasLong(handler.request.fields)) return;
  test.each([2 ** 63, -(2 ** 63), 2 ** 53 + 2, -(2 ** 62), -2])(
    'answers %d in any int64 field without UNKNOWN_SERVER_ERROR',
    async (long) => {
      for (const version of versions) {
        const broker = new TestBroker();
        const codes = errorCodes(await answered(broker, handler, version, allowAll, long));
        expect(codes).not.toContain(Errors.UNKNOWN_SERVER_ERROR.code);
        expect(broker.logger.at('error')).toEqual([]);
      }
    },
  );
});

function hasLong(shape: Shape): boolean {
  return Object.values(shape).some(function has(field: Field): boolean {
    if (field.element !== null) return has(field.element);
    return field.kind === 'int64' || (field.fields !== null && hasLong(field.fields));
  });
}

/** Sends a sample request; returns the response, encoded and decoded. */
async function answered(
  broker: TestBroker,
  handler: Handler,
  version: number,
  authorize: Authorize,
  long?: number,
): Promise<unknown> {
  const dispatcher = new Dispatcher({
    table: table(broker),
    authorize,
    image: () => broker.image,
    logger: broker.logger,
    metrics: new RequestMetrics(broker.services.clock),
    quotas: broker.quotas,
  });
  const connection = {
    id: 1,
    listenerName: 'PLAINTEXT',
    listenerKind: 'broker' as const,
    local: { host: 'h', port: 1 },
    remote: { host: 'h', port: 1 },
    principal: 'User:ANONYMOUS',
  };
  const plain = {
    ...sample(handler.request.fields, version, long),
    ...(handler.name === 'Produce' ? { acks: 1 } : {}),
  };
  const body = decode(handler.request, version, encode(handler.request, version, plain));
  const decoded = {
    handler,
    apiVersion: version,
    correlationId: 1,
    clientId: '',
    body,
    frameBytes: 0,
    unsupported: false,
  };
  const request = new ActiveRequest(decoded, connection, broker.image, 0);
  const result = dispatcher.run(request);
  expect(result).not.toBeInstanceOf(CloseConnection);
  const twoPhase =
    typeof result === 'object' && result !== null && 'ordered' in result
      ? (result as TwoPhase<unknown>)
      : null;
  const response = await Promise.resolve(twoPhase === null ? result : twoPhase.response).catch(
    (error: unknown) => dispatcher.failed(request, error),
  );
  const buffers = dispatcher.encode(request, response);
  expect(buffers, JSON.stringify(broker.logger.lines)).not.toBeNull();
  const bytes = Buffer.concat(buffers ?? []).subarray(frameSizeBytes);
  return readResponse(handler.response, version, bytes).body;
}
