import { describe, expect, test } from 'vitest';
import { apiOf } from '../../../src/protocol/messages/api-keys.ts';
import {
  ApiVersionsRequest,
  ApiVersionsResponse,
} from '../../../src/protocol/messages/cluster/18-api-versions.ts';
import { nodeId } from '../../../src/base/ids.ts';
import { uuidZero } from '../../../src/base/uuid.ts';
import { frame, idA, readResponse, settle, TestBroker } from '../harness.ts';
import { record } from '../../../src/metadata/records.ts';

const client = { clientSoftwareName: 'test-client', clientSoftwareVersion: '1.0' };

describe('ApiVersions', () => {
  test.each([0, 1, 2, 3, 4])('v%i lists the served APIs', async (version) => {
    const broker = new TestBroker();
    const response = await broker.inject(ApiVersionsRequest, ApiVersionsResponse, version, client);
    expect(response.errorCode).toBe(0);
    const keys = new Map(response.apiKeys.map((row) => [row.apiKey, row]));
    expect(keys.get(0)).toMatchObject({ minVersion: 0, maxVersion: 13 });
    expect(keys.get(1)).toMatchObject({ minVersion: 4, maxVersion: 18 });
    expect(keys.get(3)).toMatchObject({ minVersion: 0, maxVersion: 13 });
    expect(keys.get(18)).toMatchObject({ minVersion: 0, maxVersion: 4 });
  });

  test('each served range of versions is within the range of its schema', async () => {
    const broker = new TestBroker();
    for (const kind of ['broker', 'controller'] as const) {
      const response = await broker.inject(ApiVersionsRequest, ApiVersionsResponse, 3, client, { kind });
      for (const { apiKey, minVersion, maxVersion } of response.apiKeys) {
        const api = apiOf(apiKey);
        expect(api, `api ${apiKey}`).toBeDefined();
        if (apiKey !== 0) expect(minVersion).toBeGreaterThanOrEqual(api?.request.versions.min ?? 99);
        expect(maxVersion).toBeLessThanOrEqual(api?.request.versions.max ?? -1);
      }
    }
  });

  test('the telemetry APIs are listed only while there is a client metrics subscription', async () => {
    const broker = new TestBroker();
    const telemetry = async (): Promise<number[]> => {
      const { apiKeys } = await broker.inject(ApiVersionsRequest, ApiVersionsResponse, 3, client);
      return apiKeys.map(({ apiKey }) => apiKey).filter((apiKey) => apiKey === 71 || apiKey === 72);
    };
    const set = (value: string | null) =>
      broker.apply([
        record('ConfigRecord', { resourceType: 16, resourceName: 'all', name: 'interval.ms', value }),
      ]);
    expect(await telemetry()).toEqual([]);
    set('5000');
    expect(await telemetry()).toEqual([71, 72]);
    set(null);
    expect(await telemetry()).toEqual([]);
  });

  test('a controller listener lists the APIs of controllers', async () => {
    const broker = new TestBroker();
    const response = await broker.inject(ApiVersionsRequest, ApiVersionsResponse, 3, client, {
      kind: 'controller',
    });
    const keys = response.apiKeys.map(({ apiKey }) => apiKey).sort((a, b) => a - b);
    expect(keys).toEqual([
      17, 18, 19, 20, 29, 30, 31, 32, 33, 36, 37, 38, 39, 40, 41, 43, 44, 45, 46, 49, 50, 51, 55, 57, 60, 64,
      80, 81, 82,
    ]);
  });

  test('an unsupported version is answered in version 0 with UNSUPPORTED_VERSION and the list; the connection stays open', async () => {
    const broker = new TestBroker();
    const connection = broker.connect();
    const unknown = Buffer.from(frame(ApiVersionsRequest, 3, client, 5));
    unknown.writeInt16BE(127, 6);
    connection.feed(unknown);
    await settle();
    const answer = readResponse(ApiVersionsResponse, 0, connection.frames()[0] as Uint8Array);
    expect(answer.correlationId).toBe(5);
    expect(answer.body.errorCode).toBe(35);
    expect(answer.body.apiKeys.find(({ apiKey }) => apiKey === 18)).toMatchObject({
      minVersion: 0,
      maxVersion: 4,
    });
    connection.feed(frame(ApiVersionsRequest, 3, client, -6));
    await settle();
    expect(readResponse(ApiVersionsResponse, 3, connection.frames()[1] as Uint8Array)).toMatchObject({
      correlationId: -6,
      body: { errorCode: 0 },
    });
  });

  test('an invalid software name is refused', async () => {
    const broker = new TestBroker();
    const body = { clientSoftwareName: 'bad name!', clientSoftwareVersion: '1' };
    expect(await broker.inject(ApiVersionsRequest, ApiVersionsResponse, 3, body)).toMatchObject({
      errorCode: 42,
    });
    expect(await broker.inject(ApiVersionsRequest, ApiVersionsResponse, 2, body)).toMatchObject({
      errorCode: 0,
    });
  });

  test('features with a minimum level of 0 are listed from v4 on, finalized features with their epoch, none whose API is not listed', async () => {
    const broker = new TestBroker();
    broker.apply([
      record('FeatureLevelRecord', { name: 'metadata.version', featureLevel: 30 }),
      record('FeatureLevelRecord', { name: 'transaction.version', featureLevel: 2 }),
    ]);
    const v3 = await broker.inject(ApiVersionsRequest, ApiVersionsResponse, 3, client);
    expect(v3.supportedFeatures.map(({ name }) => name)).toEqual(['metadata.version']);
    expect(v3.finalizedFeatures).toEqual([
      { name: 'metadata.version', maxVersionLevel: 30, minVersionLevel: 30 },
    ]);
    expect(v3.finalizedFeaturesEpoch).toBe(broker.image.offset);
    const v4 = await broker.inject(ApiVersionsRequest, ApiVersionsResponse, 4, client);
    expect(v4.supportedFeatures.map(({ name }) => name)).toEqual(['metadata.version', 'kraft.version']);
  });

  test('a second ApiVersions request on a connection gets all features', async () => {
    const broker = new TestBroker();
    broker.apply([record('FeatureLevelRecord', { name: 'transaction.version', featureLevel: 2 })]);
    const connection = broker.connect();
    const ask = async (): Promise<[string[], string[]]> => {
      connection.feed(frame(ApiVersionsRequest, 4, client, 5));
      await settle();
      const bytes = connection.frames().at(-1) as Uint8Array;
      const { supportedFeatures, finalizedFeatures } = readResponse(ApiVersionsResponse, 4, bytes).body;
      return [supportedFeatures.map(({ name }) => name), finalizedFeatures.map(({ name }) => name)];
    };
    expect(await ask()).toEqual([['metadata.version', 'kraft.version'], []]);
    expect(await ask()).toEqual([
      ['metadata.version', 'group.version', 'kraft.version'],
      ['transaction.version'],
    ]);
  });

  test('kraft.version is 1 when the directories of the voters are known', async () => {
    const broker = new TestBroker();
    const level = async (directoryId: string): Promise<number | undefined> => {
      const replica = { id: nodeId(1), directoryId, logEndOffset: 1, lastFetchMs: 1, lastCaughtUpMs: 1 };
      broker.quorum = { ...broker.quorum, voters: [{ ...replica, endpoints: [] }] };
      const { finalizedFeatures } = await broker.inject(ApiVersionsRequest, ApiVersionsResponse, 4, client);
      return finalizedFeatures.find(({ name }) => name === 'kraft.version')?.maxVersionLevel;
    };
    expect(await level(uuidZero)).toBeUndefined();
    expect(await level(idA)).toBe(1);
  });
});
