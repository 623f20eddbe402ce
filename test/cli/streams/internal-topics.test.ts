import { expect, test } from 'vitest';
import { isInternalTopic } from '../../../src/cli/streams/kafka-streams-application-reset.ts';

test.each([
  ['app-store-changelog', true],
  ['app-agg-repartition', true],
  ['app-KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-0000000006-topic', true],
  ['app2-store-changelog', false],
  ['app-orders', false],
  ['changelog', false],
])('whether %s is an internal topic of application app: %s', (topic, isInternal) => {
  expect(isInternalTopic(topic, 'app')).toBe(isInternal);
});
