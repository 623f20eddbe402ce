/** The kit keeps a bounded number of past requests for a test to look at. */
import { expect, test } from 'vitest';
import {
  RequestEntry,
  RequestRing,
  requestBytesMax,
  requestsMax,
} from '../../../src/testing/kafka/request-ring.ts';

const entry = (correlationId: number, bytes = 0): RequestEntry =>
  new RequestEntry({
    api: 'Produce',
    version: 9,
    node: 1,
    clientId: 'app',
    correlationId,
    timestampMs: 0,
    body: { topics: [{ records: new Uint8Array(bytes) }] },
    about: '',
  });

const idsIn = (ring: RequestRing): number[] => ring.list.map(({ correlationId }) => correlationId);

test('the oldest requests are dropped when there are more than requestsMax', () => {
  const ring = new RequestRing();
  for (let id = 0; id < requestsMax + 5; id++) ring.push(entry(id));
  expect(ring.list).toHaveLength(requestsMax);
  expect(idsIn(ring)[0]).toBe(5);
});

test('the oldest requests are dropped when a request or its response exceeds requestBytesMax', () => {
  const ring = new RequestRing();
  for (let id = 0; id < 5; id++) ring.push(entry(id, requestBytesMax / 4));
  expect(idsIn(ring)).toEqual([2, 3, 4]);
  const small = entry(5);
  ring.push(small);
  small.answered({ records: new Uint8Array(requestBytesMax / 2) });
  ring.trim();
  expect(idsIn(ring)).toEqual([4, 5]);
  ring.push(entry(6, 2 * requestBytesMax));
  expect(idsIn(ring)).toEqual([6]);
  ring.clear();
  expect(idsIn(ring)).toEqual([]);
});
