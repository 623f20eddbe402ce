import { expect, test } from 'vitest';
import { hashMapOrder } from '../../src/cli/text/java-order.ts';

// The order in which Apache Kafka 4.3.1 prints a topic's configs, out of a map of all 33 of them.
test('keys are in the order of a Java HashMap', () => {
  const few = ['cleanup.policy', 'min.insync.replicas', 'segment.bytes'];
  const all = [...few, ...Array.from({ length: 27 }, (_, at) => `other.${at}`)];
  const order = hashMapOrder(all, (name) => name).filter((name) => few.includes(name));
  expect(order).toEqual(['min.insync.replicas', 'cleanup.policy', 'segment.bytes']);
});

test('single letters are in the order of java.util.HashMap: a, b, c', () => {
  expect(hashMapOrder(['c', 'a', 'b'], (name) => name)).toEqual(['a', 'b', 'c']);
});
