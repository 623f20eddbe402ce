/**
 * Random operations in random order: the metadata image stays consistent, and a replay of the records alone produces the same
 * image.
 */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NodeId } from '../../src/base/ids.ts';
import { isActive } from '../../src/metadata/cluster-image.ts';
import { MetadataDelta } from '../../src/metadata/delta.ts';
import type { MetadataImage } from '../../src/metadata/image.ts';
import { emptyImage } from '../../src/metadata/image.ts';
import type { MetadataRecord } from '../../src/metadata/records.ts';
import { decodeRecords, encodeRecords } from '../../src/metadata/records.ts';
import { decodeSnapshot, imageToRecords, snapshotBytes } from '../../src/metadata/snapshot.ts';
import { uuidZero } from '../../src/base/uuid.ts';
import { KafkaError } from '../../src/protocol/errors.ts';
import { TestController } from './harness.ts';

const brokers = [1, 2, 3, 4];
const topics = ['a', 'b', 'c'];

const broker = fc.constantFrom(...brokers);
const topic = fc.constantFrom(...topics);
const replicas = fc.uniqueArray(broker, { minLength: 1, maxLength: 3 });
const bool = fc.boolean();

type Step = (controller: TestController, numbers: { incarnation: number }) => void;

function withPartition(
  controller: TestController,
  name: string,
  index: number,
  act: (index: number) => void,
): void {
  const count = controller.image.topics.byName(name)?.partitions.length ?? 0;
  if (count > 0) act(index % count);
}

const step: fc.Arbitrary<{ toString(): string; run: Step }> = fc.oneof(
  named('start', fc.tuple(broker, bool), ([id, clean]) => (controller, numbers) => {
    controller.active.brokerStreamBroken(id as NodeId);
    const incarnation = 100 + numbers.incarnation++;
    controller.register(id, { incarnation, previousBrokerEpoch: clean ? controller.epochOf(id) : -1 });
    controller.beat(id);
  }),
  named('beat', broker, (id) => (controller) => controller.beat(id)),
  named('kill', broker, (id) => (controller) => controller.kill(id)),
  named('leave', broker, (id) => (controller) => controller.beat(id, { shutDown: true })),
  named('time', fc.constant(0), () => (controller) => controller.tick(controller.nowMs + 3100)),
  named(
    'create',
    fc.tuple(topic, fc.array(replicas, { minLength: 1, maxLength: 3 })),
    ([name, lists]) =>
      (controller) => {
        controller.create(
          name,
          lists.map((list) => list.slice(0, lists[0]?.length).concat()),
        );
      },
  ),
  named('grow', fc.tuple(topic, fc.nat(2)), ([name, more]) => (controller) => {
    const have = controller.image.topics.byName(name)?.partitions.length ?? 0;
    controller.call(37, {
      topics: [{ name, count: have + more, assignments: null }],
      timeoutMs: 0,
      validateOnly: false,
    });
  }),
  named('delete', topic, (name) => (controller) => {
    controller.call(20, { topics: [{ name, topicId: uuidZero }], topicNames: [], timeoutMs: 0 });
  }),
  named('alterIsr', fc.tuple(topic, fc.nat(), replicas), ([name, at, isr]) => (controller) => {
    withPartition(controller, name, at, (index) => {
      const { leader } = controller.partition(name, index);
      controller.alterIsr(name, index, [leader, ...isr.filter((id) => id !== leader)]);
    });
  }),
  named('reassign', fc.tuple(topic, fc.nat(), fc.option(replicas)), ([name, at, target]) => (controller) => {
    withPartition(controller, name, at, (partitionIndex) => {
      controller.call(45, { topics: [{ name, partitions: [{ partitionIndex, replicas: target }] }] });
    });
  }),
  named('elect', fc.constantFrom(0, 1), (electionType) => (controller) => {
    controller.call(43, { electionType, topicPartitions: null, timeoutMs: 0 });
  }),
  named(
    'minIsr',
    fc.tuple(topic, fc.constantFrom('1', '2', '3', null)),
    ([resourceName, value]) =>
      (controller) => {
        const configs = [{ name: 'min.insync.replicas', configOperation: value === null ? 1 : 0, value }];
        controller.call(44, { resources: [{ resourceType: 2, resourceName, configs }], validateOnly: false });
      },
  ),
  named('unclean', topic, (resourceName) => (controller) => {
    const configs = [{ name: 'unclean.leader.election.enable', configOperation: 0, value: 'true' }];
    controller.call(44, { resources: [{ resourceType: 2, resourceName, configs }], validateOnly: false });
  }),
  named('unregister', broker, (brokerId) => (controller) => {
    controller.call(64, { brokerId });
  }),
);

function named<T>(
  name: string,
  input: fc.Arbitrary<T>,
  make: (value: T) => Step,
): fc.Arbitrary<{ toString(): string; run: Step }> {
  return input.map((value) => ({ toString: () => `${name}(${JSON.stringify(value)})`, run: make(value) }));
}

function replayed(records: Iterable<MetadataRecord>): MetadataImage {
  const delta = new MetadataDelta(emptyImage());
  for (const record of records) delta.replay(record);
  return delta.apply(0, 0);
}

function checkPartitions(before: MetadataImage, after: MetadataImage, elr: boolean): void {
  for (const one of after.topics.all()) {
    for (const p of one.partitions) {
      const where = `${one.name}-${p.index} ${JSON.stringify(p)}`;
      const inService = (id: NodeId): boolean => isActive(after.cluster.brokers.get(id));
      expect(new Set(p.replicas).size, where).toBe(p.replicas.length);
      expect(p.replicas.length, where).toBeGreaterThan(0);
      expect(p.directories.length, where).toBe(p.replicas.length);
      for (const id of [...p.isr, ...p.elr, ...p.addingReplicas, ...p.removingReplicas]) {
        expect(p.replicas, where).toContain(id);
      }
      expect(
        p.elr.some((id) => p.isr.includes(id)),
        where,
      ).toBe(false);
      if (p.leader !== -1) {
        expect(p.isr, where).toContain(p.leader);
        expect(inService(p.leader), where).toBe(true);
        expect(p.lastKnownElr, where).toEqual([]);
      }
      if (elr) expect(p.isr.every(inService), where).toBe(true);
      else {
        expect(p.isr.length, where).toBeGreaterThan(0);
        expect(p.elr, where).toEqual([]);
      }
      const old = before.topics.partition(one.id, p.index);
      if (old === undefined || old === p) continue;
      expect(p.partitionEpoch, where).toBeGreaterThan(old.partitionEpoch);
      const moved = old.leader !== p.leader;
      expect(p.leaderEpoch - old.leaderEpoch, where).toBeGreaterThanOrEqual(moved ? 1 : 0);
    }
  }
  for (const [id, now] of after.cluster.brokers) {
    const old = before.cluster.brokers.get(id);
    if (old !== undefined && old.incarnationId !== now.incarnationId)
      expect(now.epoch).toBeGreaterThan(old.epoch);
  }
}

describe('random operations', () => {
  test.each([true, false])(
    'keep the invariants of partitions; the records replay to the same image (ELR: %s)',
    (elr) => {
      fc.assert(
        fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), fc.nat(), (steps, seed) => {
          const controller = new TestController({ minInsyncReplicas: 2 }, seed, elr).start(1, 2, 3);
          const numbers = { incarnation: 0 };
          for (const { run } of steps) {
            const before = controller.image;
            try {
              run(controller, numbers);
            } catch (error) {
              if (!(error instanceof KafkaError) && !(error instanceof Error && error.constructor === Error))
                throw error;
            }
            checkPartitions(before, controller.image, elr);
          }
          const { image } = controller;
          const wanted = [...imageToRecords(image)];
          expect([...imageToRecords(replayed(decodeRecords(encodeRecords(controller.records))))]).toEqual(
            wanted,
          );
          expect([...imageToRecords(replayed(decodeSnapshot(snapshotBytes(image))))]).toEqual(wanted);
        }),
        { numRuns: 100 },
      );
    },
    60_000,
  );
});
