import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startKafka } from 'bendemann/testing';

test('records are gone after a week, and not after six days', async () => {
  const kafka = await startKafka({
    clock: 'manual',
    topics: { audit: { configs: { 'retention.ms': String(7 * 24 * 3_600_000), 'segment.ms': '3600000' } } },
  });
  await kafka.produce('audit', ['old']);
  await kafka.clock.advance('6d');
  assert.deepEqual(
    (await kafka.read('audit')).map(({ value }) => value),
    ['old'],
  );
  await kafka.clock.advance('2d');
  assert.deepEqual(await kafka.read('audit'), []);
  await kafka.close();
});
