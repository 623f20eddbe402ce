import { expect, test } from 'vitest';
import { decode } from '../../src/protocol/codec/codec.ts';
import { Writer } from '../../src/protocol/codec/writer.ts';
import {
  decodeResponseHeader,
  requestFrame,
  responseFrame,
  responseFrameOf,
} from '../../src/protocol/frames.ts';
import { decodeRequestHeader } from '../../src/protocol/request-header.ts';
import { ProduceRequest } from '../../src/protocol/messages/records/00-produce.ts';
import { FetchResponse } from '../../src/protocol/messages/records/01-fetch.ts';
import {
  ApiVersionsRequest,
  ApiVersionsResponse,
} from '../../src/protocol/messages/cluster/18-api-versions.ts';
import { CreateTopicsResponse } from '../../src/protocol/messages/topics/19-create-topics.ts';
import { apis, messageOf } from '../../src/protocol/messages/api-keys.ts';
import { allMessages } from './all-messages.ts';

test('a request frame has size, header with client id, and body', () => {
  const body = { clientSoftwareName: 'x', clientSoftwareVersion: '1' };
  const frame = Buffer.concat(
    requestFrame(ApiVersionsRequest, { apiVersion: 3, correlationId: 9, clientId: 'me' }, body),
  );
  expect(frame.toString('hex')).toBe('00000012001200030000000900026d65000278023100');
  expect(frame.readInt32BE(0)).toBe(frame.length - 4);
  const header = decodeRequestHeader(frame, 4);
  expect(header).toEqual({ apiKey: 18, apiVersion: 3, correlationId: 9, clientId: 'me', bodyAt: 4 + 13 });
  expect(decode(ApiVersionsRequest, 3, frame, header.bodyAt)).toMatchObject(body);
});

test('the response header of ApiVersions has no tagged fields, that of other flexible versions has', () => {
  const plain = Buffer.concat(
    responseFrame(ApiVersionsResponse, { apiVersion: 4, correlationId: 7 }, { errorCode: 0, apiKeys: [] }),
  );
  expect(decodeResponseHeader(ApiVersionsResponse, 4, plain, 4)).toEqual({ correlationId: 7, bodyAt: 8 });
  expect(decodeResponseHeader(FetchResponse, 12, Uint8Array.of(0, 0, 0, 7, 0))).toEqual({
    correlationId: 7,
    bodyAt: 5,
  });
  expect(decodeResponseHeader(FetchResponse, 11, Uint8Array.of(0, 0, 0, 7, 0))).toEqual({
    correlationId: 7,
    bodyAt: 4,
  });
});

test('large records are neither copied on writing nor on reading', () => {
  const records = Buffer.alloc(100_000, 7);
  const writer = new Writer();
  for (let round = 0; round < 2; round++) {
    const segments = responseFrame(
      FetchResponse,
      { apiVersion: 12, correlationId: 1 },
      {
        responses: [
          {
            topic: 't',
            partitions: [
              { partitionIndex: 0, errorCode: 0, highWatermark: 5, abortedTransactions: null, records },
              { partitionIndex: 1, errorCode: 0, highWatermark: 5, abortedTransactions: null, records: null },
            ],
          },
        ],
      },
      writer,
    );
    expect(segments[1]).toBe(records);
    const whole = Buffer.concat(segments);
    expect(whole.readInt32BE(0)).toBe(whole.length - 4);
    const back = decode(FetchResponse, 12, whole, 9).responses[0]?.partitions[0]?.records as Buffer;
    expect(back.equals(records)).toBe(true);
    // It is a view of the frame, not a copy.
    expect(back.buffer).toBe(whole.buffer);
  }
});

test('a frame can be made of a body that is already encoded', () => {
  const frame = Buffer.concat(
    responseFrameOf(CreateTopicsResponse, { apiVersion: 5, correlationId: 3 }, Uint8Array.of(1, 2, 3)),
  );
  expect(frame.toString('hex')).toBe('00000008000000030001' + '0203');
});

test('the table of APIs has every request, so that each header version is known', () => {
  const missing = allMessages
    .filter(({ name, key }) => key >= 0 && name.endsWith('Request') && !apis.some((api) => api.key === key))
    .map(({ name }) => name);
  expect(missing).toEqual([]);
});

test('each row of the table of APIs has request and response of the same key and versions', () => {
  for (const api of apis) {
    expect(messageOf(api.key)).toBe(api);
    expect(api.request.key).toBe(api.key);
    expect(api.response.key).toBe(api.key);
    expect(api.request.versions).toEqual(api.response.versions);
    expect(api.request.name).toBe(`${api.name}Request`);
  }
  expect(ProduceRequest.versions).toEqual({ min: 3, max: 13 });
});
