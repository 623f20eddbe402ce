/** Questions about the cluster, the quorum, features and producers, and about brokers that do not exist. */
function* cluster() {
  yield {
    id: 'ApiVersions',
    api: 'ApiVersions',
    versions: (version) => version <= 2,
    body: () => ({}),
    skip: ['apiKeys'],
  };
  for (const [name, version] of [
    ['', ''],
    ['a', ''],
    ['a b', '1'],
    ['-a', '1'],
    ['a', '1.0-x'],
    ['a/', '1'],
  ]) {
    yield {
      id: `ApiVersions: software '${name}' '${version}'`,
      api: 'ApiVersions',
      versions: (one) => one >= 3,
      skip: ['apiKeys', 'supportedFeatures', 'finalizedFeatures', 'finalizedFeaturesEpoch'],
      body: () => ({ clientSoftwareName: name, clientSoftwareVersion: version }),
    };
  }
  for (const endpointType of [0, 1, 2, 3]) {
    yield {
      id: `DescribeCluster: endpoints ${endpointType}`,
      api: 'DescribeCluster',
      skip: ['host', 'clusterId'],
      versions: (version) => version >= 1 || endpointType === 1,
      body: (version) => ({
        includeClusterAuthorizedOperations: true,
        ...(version >= 1 ? { endpointType } : {}),
      }),
    };
  }
  for (const [what, topics] of Object.entries({
    nothing: [],
    'another topic': [{ topicName: 'full', partitions: [{ partitionIndex: 0 }] }],
    'partition 1': [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 1 }] }],
    'two topics': ['__cluster_metadata', 'full'].map((topicName) => ({
      topicName,
      partitions: [{ partitionIndex: 0 }],
    })),
    'no partitions': [{ topicName: '__cluster_metadata', partitions: [] }],
  })) {
    yield { id: `DescribeQuorum: ${what}`, api: 'DescribeQuorum', skip: ['nodes'], body: () => ({ topics }) };
  }
}

function* features() {
  const update = (feature, maxVersionLevel, upgradeType = 1) => ({ feature, maxVersionLevel, upgradeType });
  for (const [what, updates] of Object.entries({
    nothing: [],
    unknown: [update('nope', 1)],
    'a version too high': [update('metadata.version', 999)],
    'a version too low': [update('metadata.version', 1, 2)],
    'an upgrade that is none': [update('metadata.version', 7)],
    'an unknown kind': [update('group.version', 1, 9)],
    'a negative version': [update('group.version', -1)],
    twice: [update('group.version', 1), update('group.version', 1)],
    'an empty name': [update('', 1)],
  })) {
    yield {
      id: `UpdateFeatures: ${what}`,
      api: 'UpdateFeatures',
      body: (version) => ({
        featureUpdates: updates.map(({ feature, maxVersionLevel, upgradeType }) => ({
          feature,
          maxVersionLevel,
          ...(version === 0 ? { allowDowngrade: upgradeType !== 1 } : { upgradeType }),
        })),
        ...(version > 0 ? { validateOnly: true } : {}),
      }),
    };
  }
}

function* producers() {
  for (const brokerId of [-1, 9]) {
    yield { id: `UnregisterBroker: ${brokerId}`, api: 'UnregisterBroker', body: () => ({ brokerId }) };
  }
  for (const transactionalId of [null, '']) {
    for (const [producerId, producerEpoch] of [
      [-1, -1],
      [5, -1],
      [-1, 5],
      [5, 5],
      [-2, -2],
    ]) {
      for (const transactionTimeoutMs of [-1, 0, 60_000]) {
        yield {
          id: `InitProducerId: ${transactionalId}, ${producerId}, ${producerEpoch}, ${transactionTimeoutMs} ms`,
          api: 'InitProducerId',
          skip: ['producerId'],
          versions: (version) => version >= 3 || (producerId === -1 && producerEpoch === -1),
          body: (version) => ({
            transactionalId,
            transactionTimeoutMs,
            ...(version >= 3 ? { producerId, producerEpoch } : {}),
          }),
        };
      }
    }
  }
}

export function* clusterQuestions() {
  yield* cluster();
  yield* features();
  yield* producers();
}
