/** Which broker epoch a stop writes to the clean shutdown files: docs/decisions/0080-lost-records-and-leadership.md. */
import { expect, test } from 'vitest';
import type { ControllerClient } from '../../../src/metadata/controller-port.ts';
import { nodeId } from '../../../src/base/ids.ts';
import { emptyImage } from '../../../src/metadata/image.ts';
import { Errors, KafkaError } from '../../../src/protocol/errors.ts';
import { BrokerLifecycle } from '../../../src/server/controller/broker-lifecycle.ts';
import { SeededRandom } from '../../../src/simulation/random.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { ManualClock } from '../../log/harness.ts';

/** A broker whose registration the controller answers with `answers`, one after the other; null: no answer comes. */
function broker(answers: (number | null)[]): BrokerLifecycle {
  const clock = new ManualClock();
  const request = async (): Promise<unknown> => {
    const errorCode = answers.shift() ?? null;
    // The retries of the registration go on at once.
    setImmediate(() => void clock.advance(1000));
    if (errorCode === null) throw new KafkaError(Errors.REQUEST_TIMED_OUT);
    return { throttleTimeMs: 0, errorCode, brokerEpoch: errorCode === 0 ? 9 : -1 };
  };
  return new BrokerLifecycle({
    clock,
    scheduler: clock,
    random: new SeededRandom(1),
    logger: silentLogger,
    client: { request } as unknown as ControllerClient,
    image: emptyImage,
    nodeId: nodeId(1),
    clusterId: 'cluster',
    endpoints: [],
    rack: null,
    features: new Map(),
    logDirs: [],
    offlineLogDirs: () => [],
    lostReplicas: [],
    cordonedLogDirs: () => [],
    directoryFailureTimeoutMs: 30_000,
    onDirectoryFailureUnreported: () => undefined,
    heartbeatIntervalMs: 2000,
    registrationTimeoutMs: 3000,
    previousBrokerEpoch: 7,
  });
}

const duplicate = Errors.DUPLICATE_BROKER_REGISTRATION.code;
const otherCluster = Errors.INCONSISTENT_CLUSTER_ID.code;

test.each([
  ['registered', [0], 9],
  ['refused, then registered', [duplicate, 0], 9],
  ['refused for good: the epoch in the files remains', [otherCluster], null],
  ['refused several times: the epoch in the files remains', [duplicate, duplicate, otherCluster], null],
  ['not answered, so it may be registered: unknown', [null, null, null, null, null], -1],
  ['not answered, then refused: unknown', [null, otherCluster], -1],
] as const)('the broker epoch of a shutdown when the broker was %s', async (_what, answers, epoch) => {
  const lifecycle = broker([...answers]);
  expect(lifecycle.shutdownEpoch).toBe(null);
  await lifecycle.start().catch(() => undefined);
  lifecycle.close();
  expect(lifecycle.shutdownEpoch).toBe(epoch);
});
