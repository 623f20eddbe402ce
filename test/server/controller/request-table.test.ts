import { describe, expect, test } from 'vitest';
import { nodeId } from '../../../src/base/ids.ts';
import { Errors, KafkaError } from '../../../src/protocol/errors.ts';
import type { Call } from '../../../src/server/calls/messages.ts';
import { RequestTable } from '../../../src/server/controller/request-table.ts';

function call(requestId: number, lowestPendingId = 1): Call {
  return {
    type: 'call',
    requestId,
    lowestPendingId,
    apiKey: 19,
    apiVersion: 7,
    principal: '',
    clientId: '',
    body: new Uint8Array(0),
  };
}
const of = (id: number, bootId = 1, isAwaited = () => true) => ({ nodeId: nodeId(id), bootId, isAwaited });

describe('requests of nodes', () => {
  test('are carried out once when they are sent several times; each sender gets the response', async () => {
    const table = new RequestTable();
    let begun = 0;
    const begin = async (): Promise<Uint8Array> => Uint8Array.of(++begun);
    const answers = await Promise.all([1, 1, 1].map((id) => table.once(call(id), of(2), begin)));
    expect(answers.map(([first]) => first)).toEqual([1, 1, 1]);
    // A request of another node, one with another number, and one after a restart of the node are different requests.
    await table.once(call(1), of(3), begin);
    await table.once(call(2), of(2), begin);
    await table.once(call(1), of(2, 9), begin);
    expect(begun).toBe(4);
  });

  test('know whether one of their senders is still connected', async () => {
    const table = new RequestTable();
    let isAwaited = (): boolean => true;
    const never = new Promise<Uint8Array>(() => undefined);
    const waits = { first: true, second: true };
    void table.once(
      call(1),
      of(2, 1, () => waits.first),
      (asked) => {
        isAwaited = asked;
        return never;
      },
    );
    waits.first = false;
    expect(isAwaited()).toBe(false);
    void table.once(
      call(1),
      of(2, 1, () => waits.second),
      () => never,
    );
    expect(isAwaited()).toBe(true);
  });

  test('are carried out again after a retriable refusal and in the next controller epoch', async () => {
    const table = new RequestTable();
    let begun = 0;
    const refuse = (error: KafkaError) => async (): Promise<Uint8Array> => {
      begun++;
      throw error;
    };
    for (const error of [Errors.NOT_CONTROLLER, Errors.REQUEST_TIMED_OUT, Errors.INVALID_REQUEST])
      await expect(table.once(call(1), of(2), refuse(new KafkaError(error)))).rejects.toThrow();
    expect(begun).toBe(3);
    await expect(table.once(call(1), of(2), refuse(new KafkaError(Errors.NONE)))).rejects.toThrow();
    expect(begun).toBe(3);
    table.clear();
    await expect(table.once(call(1), of(2), refuse(new KafkaError(Errors.NONE)))).rejects.toThrow();
    expect(begun).toBe(4);
  });

  // Bound: requestsPerNodeMax.
  test('are removed when their sender will not send them again, and bounded by requestsPerNodeMax', async () => {
    const table = new RequestTable();
    const begin = async (): Promise<Uint8Array> => new Uint8Array(0);
    for (let id = 1; id <= 100; id++) await table.once(call(id, id - 2), of(2), begin);
    expect(table.size).toBe(3);
    const never = (): Promise<Uint8Array> => new Promise(() => undefined);
    for (let id = 101; id <= 10_097; id++) void table.once(call(id, 98), of(2), never);
    await expect(table.once(call(10_098, 98), of(2), begin)).rejects.toThrow('Too many requests');
    expect(table.size).toBe(10_000);
  });
});
