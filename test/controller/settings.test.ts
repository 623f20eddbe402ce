import { expect, test } from 'vitest';
import { nodeId } from '../../src/base/ids.ts';
import { uuidZero } from '../../src/base/uuid.ts';
import { TestController } from './harness.ts';

type Config = { name: string; configOperation: number; value: string | null };

function alter(
  controller: TestController,
  resourceType: number,
  resourceName: string,
  ...configs: Config[]
): unknown {
  const { responses } = controller.call(44, {
    resources: [{ resourceType, resourceName, configs }],
    validateOnly: false,
  });
  return [responses[0]?.errorCode, responses[0]?.errorMessage];
}

function set(name: string, value: string | null): Config {
  return { name, configOperation: 0, value };
}

test("a topic's configurations can be set, appended to, subtracted from and deleted", () => {
  const controller = new TestController().start(1);
  controller.create('t', [[1]]);
  const values = (): unknown => Object.fromEntries(controller.image.configs.topic('t'));
  expect(alter(controller, 2, 't', set('retention.ms', '5'))).toEqual([0, null]);
  expect(alter(controller, 2, 't', { name: 'cleanup.policy', configOperation: 2, value: 'compact' })).toEqual(
    [0, null],
  );
  expect(values()).toEqual({ 'retention.ms': '5', 'cleanup.policy': 'delete,compact' });
  alter(controller, 2, 't', { name: 'cleanup.policy', configOperation: 3, value: 'delete' });
  alter(controller, 2, 't', { name: 'retention.ms', configOperation: 1, value: null });
  expect(values()).toEqual({ 'cleanup.policy': 'compact' });
  controller.call(33, {
    resources: [{ resourceType: 2, resourceName: 't', configs: [{ name: 'retention.ms', value: '9' }] }],
    validateOnly: false,
  });
  expect(values()).toEqual({ 'retention.ms': '9' });
});

test("IncrementalAlterConfigs refuses with Kafka's codes and messages", () => {
  const controller = new TestController().start(1);
  controller.create('t', [[1]]);
  expect(alter(controller, 2, 'none', set('retention.ms', '1'))).toEqual([
    3,
    "The topic 'none' does not exist.",
  ]);
  expect(alter(controller, 2, 't', set('no.such.config', '1'))).toEqual([
    40,
    'Unknown topic config name: no.such.config',
  ]);
  expect(alter(controller, 2, 't', set('retention.ms', null))).toEqual([
    42,
    'Null value not supported for : retention.ms',
  ]);
  expect(alter(controller, 2, 't', set('a', '1'), set('a', '2'))).toEqual([
    42,
    'Error due to duplicate config keys',
  ]);
  expect(alter(controller, 2, 't', { name: 'retention.ms', configOperation: 2, value: '1' })).toEqual([
    40,
    "Can't APPEND to key retention.ms because its type is not LIST.",
  ]);
  expect(alter(controller, 4, 'x', set('a', '1'))).toEqual([42, 'Node id must be an integer, but it is: x']);
  expect(alter(controller, 4, '9', set('a', '1'))).toEqual([102, 'No node with id 9 found.']);
  expect(alter(controller, 9, 'x', set('a', '1'))).toEqual([42, 'Unknown resource type 9']);
  const twice = { resourceType: 2, resourceName: 't', configs: [set('retention.ms', '1')] };
  const { responses } = controller.call(44, { resources: [twice, twice], validateOnly: false });
  expect(responses.map((one) => one.errorCode)).toEqual([42, 42]);
});

test('with ELR, min.insync.replicas cannot be set for one broker, and a change empties the ELR', () => {
  const controller = new TestController({ minInsyncReplicas: 2 }).start(1, 2);
  expect(controller.image.configs.brokerDefault().get('min.insync.replicas')).toBe('2');
  expect(alter(controller, 4, '1', set('min.insync.replicas', '1'))).toEqual([
    40,
    'Broker-level min.insync.replicas cannot be altered while ELR is enabled.',
  ]);
  expect(alter(controller, 4, '', { name: 'min.insync.replicas', configOperation: 1, value: null })).toEqual([
    40,
    'Cluster-level min.insync.replicas cannot be removed while ELR is enabled.',
  ]);
  controller.create('t', [[1, 2]]);
  controller.kill(2);
  expect(controller.shape('t').elr).toEqual([2]);
  expect(alter(controller, 4, '', set('min.insync.replicas', '1'))).toEqual([0, null]);
  expect(controller.shape('t').elr).toEqual([]);
});

test('an invalid min.insync.replicas in old metadata counts as not set', () => {
  const controller = new TestController({ minInsyncReplicas: 2 }).start(1, 2, 3);
  controller.create('t', [[1, 2, 3]]);
  // The rules of this test accept any value, as an older release may have done.
  expect(alter(controller, 2, 't', set('min.insync.replicas', 'two'))).toEqual([0, null]);
  controller.kill(2);
  controller.kill(3);
  // The minimum is 2: the last replica that leaves the ISR below it stays eligible to lead.
  expect(controller.shape('t')).toMatchObject({ isr: [1], elr: [3] });
  expect(alter(controller, 2, 't', set('min.insync.replicas', '1'))).toEqual([0, null]);
  expect(controller.shape('t')).toMatchObject({ isr: [1], elr: [] });
});

test('UpdateFeatures refuses unsupported levels and unannounced downgrades', () => {
  const controller = new TestController().start(1);
  const update = (
    feature: string,
    maxVersionLevel: number,
    upgradeType = 1,
    validateOnly = false,
  ): unknown => {
    const { errorCode, errorMessage } = controller.call(57, {
      featureUpdates: [{ feature, maxVersionLevel, upgradeType, allowDowngrade: false }],
      validateOnly,
    });
    return [errorCode, errorMessage];
  };
  const failed =
    'The update failed for all features since the following feature had an error: Invalid update version';
  expect(update('transaction.version', 9)).toEqual([
    95,
    `${failed} 9 for feature transaction.version. Local controller 1 only supports versions 0-2`,
  ]);
  expect(update('no.such', 1)).toEqual([
    95,
    `${failed} 1 for feature no.such. Local controller 1 does not support this feature.`,
  ]);
  expect(update('metadata.version', 7)).toEqual([
    95,
    `${failed} 7 for feature metadata.version. Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.`,
  ]);
  expect(update('transaction.version', 2, 1, true)).toEqual([0, null]);
  expect(controller.image.features.levels.has('transaction.version')).toBe(false);
  expect(update('transaction.version', 2)).toEqual([0, null]);
  expect(update('transaction.version', 0, 2)).toEqual([0, null]);
  expect(controller.image.features.levels.has('transaction.version')).toBe(false);
});

test('kraft.version is never downgraded, needs the support of all voters, and writes no record', () => {
  const directoryId = 'AAAAAAAAQACAAAAAAAAABA';
  let voters = [{ id: nodeId(1), directoryId: uuidZero }];
  const supportedFeatures = new Map([['kraft.version', { min: 0, max: 1 }]]);
  const controller = new TestController({ voters: () => voters, supportedFeatures });
  const update = (maxVersionLevel: number, upgradeType: number): string => {
    const { errorMessage } = controller.call(57, {
      featureUpdates: [{ feature: 'kraft.version', maxVersionLevel, upgradeType, allowDowngrade: false }],
    });
    return errorMessage?.replace(/^.*feature kraft\.version\. /, '') ?? 'done';
  };
  const recordCount = controller.records.length;
  expect(update(1, 1)).toBe('done');
  expect(update(2, 1)).toBe('Local controller 1 only supports versions 0-1');
  expect(update(1, 2)).toBe("Can't downgrade to a newer version.");
  voters = [...voters, { id: nodeId(3), directoryId: uuidZero }];
  expect(update(1, 1)).toBe('controller 3 has not registered, and may not support this feature');
  voters = [{ id: nodeId(1), directoryId }];
  expect(update(1, 1)).toBe('done');
  expect(update(0, 1)).toBe(
    "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.",
  );
  expect([update(0, 2), update(0, 3)]).toEqual(Array(2).fill("Can't downgrade the version of this feature."));
  expect(controller.records).toHaveLength(recordCount);
});

test('metadata.version cannot be downgraded; unknown features and levels are refused', () => {
  const controller = new TestController();
  const failed = 'The update failed for all features since the following feature had an error:';
  const update = (feature: string, maxVersionLevel: number, upgradeType: number): string | null =>
    controller.call(57, {
      featureUpdates: [{ feature, maxVersionLevel, upgradeType, allowDowngrade: false }],
    }).errorMessage;
  expect(update('metadata.version', 29, 2)).toBe(
    `${failed} Unsupported metadata.version downgrade from 30 to 29. Refusing to perform the requested downgrade because it might delete metadata information.`,
  );
  expect(update('metadata.version', 29, 3)).toBe(
    `${failed} Unsupported metadata.version downgrade from 30 to 29. Unsafe metadata downgrade is not supported in this version.`,
  );
  expect(update('metadata.version', 0, 3)).toMatch(/Local controller 1 only supports versions 7-30$/);
  expect(update('foo.version', 0, 3)).toMatch(/Feature foo\.version not found\.$/);
  expect(update('transaction.version', -1, 1)).toMatch(/A feature version cannot be less than 0\.$/);
  expect(update('transaction.version', 1, 9)).toMatch(/does not support the given upgrade type\.$/);
});

test('ACLs are created once, found by a filter and deleted', () => {
  const controller = new TestController();
  const acl = {
    resourceType: 2,
    resourceName: 'orders',
    resourcePatternType: 3,
    principal: 'User:alice',
    host: '*',
    operation: 3,
    permissionType: 3,
  };
  const { results } = controller.call(30, { creations: [acl, acl, { ...acl, operation: 1 }] });
  expect(results.map((one) => one.errorCode)).toEqual([0, 0, 42]);
  expect(controller.image.security.acls.size).toBe(1);
  const filter = {
    resourceTypeFilter: 1,
    resourceNameFilter: 'orders',
    patternTypeFilter: 2,
    principalFilter: null,
    hostFilter: null,
    operation: 1,
    permissionType: 1,
  };
  const { filterResults } = controller.call(31, { filters: [filter] });
  expect(filterResults[0]?.matchingAcls.map((one) => one.principal)).toEqual(['User:alice']);
  expect(controller.image.security.acls.size).toBe(0);
});
