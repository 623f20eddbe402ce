/**
 * Which component of this program logs for each logger of Apache Kafka. Users set levels by the names of Kafka's loggers; the
 * level of a logger controls the lines of the component that does the same work here. The list is that of a broker of Apache
 * Kafka 4.3.1 with the log4j2.yaml of its download, read with DescribeConfigs. It is grouped by Java package.
 */
type Packages = Readonly<Record<string, string>>;

const loggersByPart: Readonly<Record<string, Packages>> = {
  '': {
    'kafka.server': 'KafkaRaftServer SharedServer',
    'org.apache.kafka.server.fault': 'LoggingFaultHandler ProcessTerminatingFaultHandler',
  },
  broker: {
    'kafka.server':
      'BrokerServer ConfigAdminManager DefaultAutoTopicCreationManager KafkaApis KafkaRequestHandler TopicConfigHandler',
    'kafka.server.metadata': 'BrokerMetadataPublisher DynamicConfigPublisher',
    'org.apache.kafka.image.loader': 'MetadataBatchLoader MetadataLoader',
    'org.apache.kafka.metadata': 'KRaftMetadataCache',
    'org.apache.kafka.metadata.publisher': 'FeaturesPublisher',
    'org.apache.kafka.server': 'BrokerFeatures ClientMetricsManager',
    'org.apache.kafka.server.config': 'ConfigSynonym',
    'org.apache.kafka.server.logger': 'LoggingController',
    'org.apache.kafka.server.util': 'KafkaScheduler NetworkPartitionMetadataClient',
    'org.apache.kafka.server.util.timer': 'SystemTimerReaper$Reaper',
  },
  BrokerLifecycleManager: {
    'org.apache.kafka.image.publisher': 'BrokerRegistrationTracker',
    'org.apache.kafka.server':
      'AssignmentsManager BrokerLifecycleManager NodeToControllerChannelManagerImpl NodeToControllerRequestThread',
  },
  Controller: {
    'kafka.server': 'ControllerApis ControllerRegistrationManager ControllerServer',
    'org.apache.kafka.controller':
      'AclControlManager BrokerHeartbeatManager ClientQuotaControlManager ClusterControlManager ConfigurationControlManager DelegationTokenControlManager EventPerformanceMonitor FeatureControlManager OffsetControlManager PeriodicTaskControlManager ProducerIdControlManager QuorumController ReplicationControlManager ScramControlManager',
    'org.apache.kafka.deferred': 'DeferredEventQueue',
    'org.apache.kafka.image.publisher': 'SnapshotEmitter SnapshotGenerator',
    'org.apache.kafka.queue': 'KafkaEventQueue',
    'org.apache.kafka.timeline': 'SnapshotRegistry',
  },
  GroupCoordinator: {
    'org.apache.kafka.coordinator.common.runtime':
      'CoordinatorExecutorImpl CoordinatorLoaderImpl CoordinatorRuntime CoordinatorTimerImpl MultiThreadedEventProcessor MultiThreadedEventProcessor$EventProcessorThread SnapshottableCoordinator',
    'org.apache.kafka.coordinator.group':
      'GroupConfig GroupCoordinatorConfig GroupCoordinatorService GroupCoordinatorShard GroupMetadataManager OffsetMetadataManager',
    'org.apache.kafka.coordinator.group.assignor': 'SimpleAssignor UniformAssignor',
    'org.apache.kafka.coordinator.group.classic': 'ClassicGroup',
    'org.apache.kafka.coordinator.group.streams.assignor': 'StickyTaskAssignor',
  },
  LogManager: {
    'kafka.log': 'LogCleaner LogManager',
    'org.apache.kafka.metadata.properties': 'MetaPropertiesEnsemble',
    'org.apache.kafka.metadata.util': 'BatchFileReader',
    'org.apache.kafka.server.config': 'DynamicProducerStateManagerConfig',
    'org.apache.kafka.server.util': 'FileLock',
    'org.apache.kafka.storage.internals.checkpoint':
      'CheckpointFileWithFailureHandler CleanShutdownFileHandler',
    'org.apache.kafka.storage.internals.epoch': 'LeaderEpochFileCache',
    'org.apache.kafka.storage.internals.log':
      'AbstractIndex Cleaner LocalLog LogCleaner LogCleaner$CleanerThread LogDirFailureChannel LogLoader LogSegment OffsetIndex ProducerAppendInfo ProducerStateManager TimeIndex UnifiedLog',
    'org.apache.kafka.storage.internals.utils': 'Throttler',
    'org.apache.kafka.storage.log.metrics': 'BrokerTopicStats',
  },
  Raft: {
    'org.apache.kafka.raft':
      'CandidateState FileQuorumStateStore KafkaNetworkChannel KafkaNetworkChannel$SendThread KafkaRaftClient KafkaRaftClientDriver LeaderState ProspectiveState QuorumState TimingWheelExpirationService$ExpiredOperationReaper UnattachedState',
    'org.apache.kafka.raft.internals':
      'AddVoterHandler DefaultRequestSender KRaftControlRecordStateMachine KafkaRaftLog RecordsIterator RemoveVoterHandler UpdateVoterHandler VoterSetHistory',
    'org.apache.kafka.snapshot': 'Snapshots',
  },
  ReplicaManager: {
    'kafka.cluster': 'Partition',
    'kafka.server': 'ReplicaFetcherManager ReplicaManager ReplicaManager$LogDirFailureHandler',
    'org.apache.kafka.server':
      'DelayedActionQueue FetchContext$FullFetchContext FetchContext$IncrementalFetchContext FetchContext$SessionlessFetchContext FetchManager FetchSessionCacheShard',
    'org.apache.kafka.server.purgatory':
      'DelayedOperationPurgatory DelayedOperationPurgatory$ExpiredOperationReaper DelayedProduce',
    'state.change': 'logger',
  },
  RequestChannel: {
    'kafka.network': 'RequestChannel$',
    'kafka.request': 'logger',
  },
  SocketServer: {
    'kafka.network': 'ConnectionQuotas DataPlaneAcceptor Processor SocketServer',
    'org.apache.kafka.common.network': 'ChannelBuilders NetworkReceive Selector',
    'org.apache.kafka.metadata': 'ListenerInfo',
    'org.apache.kafka.server.network': 'EndpointReadyFutures',
  },
  TransactionCoordinator: {
    'kafka.coordinator.transaction': 'TransactionCoordinator TransactionMarkerChannelManager',
    'org.apache.kafka.coordinator.transaction': 'RPCProducerIdManager',
    'org.apache.kafka.server.transaction': 'AddPartitionsToTxnManager',
  },
};

/** Loggers of Kafka for which nothing here logs. They are listed so that tools can read and set their levels, as with Kafka. */
const silentLoggers: Packages = {
  '': 'LogFutureTimestampLogger',
  'com.yammer.metrics.reporting': 'JmxReporter',
  'kafka.authorizer': 'logger',
  'kafka.server': 'ReplicationQuotaManager',
  'kafka.server.share': 'ShareCoordinatorMetadataCacheHelperImpl SharePartitionManager',
  'kafka.utils': 'Log4jControllerRegistration$',
  'org.apache.kafka.clients': 'ClientUtils ClusterConnectionStates CommonClientConfigs NetworkClient',
  'org.apache.kafka.common.config': 'AbstractConfig ConfigDef',
  'org.apache.kafka.common.metrics': 'JmxReporter Metrics',
  'org.apache.kafka.common.metrics.stats': 'Percentiles',
  'org.apache.kafka.common.protocol': 'Errors',
  'org.apache.kafka.common.record.internal': 'ControlRecordType MultiRecordsSend',
  'org.apache.kafka.common.requests': 'FetchMetadata OffsetFetchRequest',
  'org.apache.kafka.common.security.oauthbearer': 'DefaultJwtRetriever',
  'org.apache.kafka.common.utils':
    'AppInfoParser ConfigUtils KafkaThread LoggingSignalHandler ThreadUtils Utils',
  'org.apache.kafka.coordinator.share': 'ShareCoordinatorService',
  'org.apache.kafka.metadata.publisher': 'AclPublisher',
  'org.apache.kafka.server.metrics': 'LinuxIoMetricsCollector',
  'org.apache.kafka.server.quota':
    'ClientQuotaManager ClientQuotaManager$ThrottledChannelReaper ControllerMutationQuotaManager',
  'org.apache.kafka.server.share.persister': 'DefaultStatePersister PersisterStateManager$SendThread',
};

function namesIn(packages: Packages): string[] {
  return Object.entries(packages).flatMap(([prefix, names]) =>
    names.split(' ').map((name) => (prefix === '' ? name : `${prefix}.${name}`)),
  );
}

/** All loggers of Kafka, each with the component whose lines it controls; null when no component logs for it. */
export const kafkaLoggers: ReadonlyMap<string, string | null> = new Map<string, string | null>([
  ...Object.entries(loggersByPart).flatMap(([part, packages]) =>
    namesIn(packages).map((name): [string, string] => [name, part]),
  ),
  ...namesIn(silentLoggers).map((name): [string, null] => [name, null]),
]);
