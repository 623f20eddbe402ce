/** The contents of the files that the shell shows: parts of the metadata image as Java's toString prints them. */
import type {
  BrokerImage,
  ControllerImage,
  EndpointImage,
  FeatureRange,
} from '../../metadata/cluster-image.ts';
import type { AclImage, DelegationTokenImage, ScramImage } from '../../metadata/security-image.ts';
import { type PartitionImage, recovering } from '../../metadata/topics-image.ts';
import { aclOperations } from '../../protocol/acl-operations.ts';
import { patternTypes, permissionTypes, resourceTypes } from '../security/acl-names.ts';

const securityProtocols = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'];

function list(values: readonly (number | string)[]): string {
  return `[${values.join(', ')}]`;
}

function nameOf(names: Readonly<Record<string, number>>, code: number): string {
  return Object.keys(names).find((name) => names[name] === code) ?? 'UNKNOWN';
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function endpointsText(endpoints: readonly EndpointImage[]): string {
  const sorted = [...endpoints].sort((a, b) => (a.name < b.name ? -1 : 1));
  return list(
    sorted.map(
      ({ name, securityProtocol, host, port }) =>
        `Endpoint(listenerName='${name}', securityProtocol=${securityProtocols[securityProtocol]}, host='${host}', port=${port})`,
    ),
  );
}

/** Formats a range of levels. A range of one level is printed as that level; a range without an end as `7+`. */
function rangeText({ min, max }: FeatureRange): string {
  if (min === max) return String(min);
  return max === 0x7fff ? `${min}+` : `${min}-${max}`;
}

function featuresText(features: ReadonlyMap<string, FeatureRange>): string {
  const rows = [...features].map(([name, range]) => `${name}: ${rangeText(range)}`);
  return `{${rows.sort().join(', ')}}`;
}

export function brokerText(broker: BrokerImage): string {
  return (
    `BrokerRegistration(id=${broker.id}, epoch=${broker.epoch}, incarnationId=${broker.incarnationId}` +
    `, listeners=${endpointsText(broker.endpoints)}, supportedFeatures=${featuresText(broker.features)}` +
    `, rack=${broker.rack === null ? 'Optional.empty' : `Optional[${broker.rack}]`}` +
    `, fenced=${broker.fenced}, inControlledShutdown=${broker.inControlledShutdown}, isMigratingZkBroker=false` +
    `, directories=${list(broker.logDirs)}, cordonedDirectories=${list(broker.cordonedLogDirs)})`
  );
}

export function controllerText(controller: ControllerImage): string {
  return (
    `ControllerRegistration(id=${controller.id}, incarnationId=${controller.incarnationId}, zkMigrationReady=false` +
    `, listeners=${endpointsText(controller.endpoints)}, supportedFeatures=${featuresText(controller.features)})`
  );
}

/** Kafka has no such field, so it is shown only when it is not empty. */
function formerText({ formerIsr }: PartitionImage): string {
  if (formerIsr.length === 0) return '';
  const members = formerIsr.map(
    ({ brokerId, leaderEpoch, hasLostRecords }) =>
      `${brokerId}(leaderEpoch=${leaderEpoch}${hasLostRecords ? ', lost records' : ''})`,
  );
  return `, formerIsr=${list(members)}`;
}

export function partitionText(partition: PartitionImage): string {
  const recovery = partition.leaderRecoveryState === recovering ? 'RECOVERING' : 'RECOVERED';
  return (
    `PartitionRegistration(replicas=${list(partition.replicas)}, directories=${list(partition.directories)}` +
    `, isr=${list(partition.isr)}, removingReplicas=${list(partition.removingReplicas)}` +
    `, addingReplicas=${list(partition.addingReplicas)}, elr=${list(partition.elr)}` +
    `, lastKnownElr=${list(partition.lastKnownElr)}, leader=${partition.leader}` +
    `, leaderRecoveryState=${recovery}, leaderEpoch=${partition.leaderEpoch}, partitionEpoch=${partition.partitionEpoch}` +
    `${formerText(partition)})`
  );
}

export function aclText(acl: AclImage): string {
  return (
    `StandardAcl[resourceType=${nameOf(resourceTypes, acl.resourceType)}, resourceName=${acl.resourceName}` +
    `, patternType=${nameOf(patternTypes, acl.patternType)}, principal=${acl.principal}, host=${acl.host}` +
    `, operation=${nameOf(aclOperations, acl.operation)}, permissionType=${nameOf(permissionTypes, acl.permissionType)}]`
  );
}

export function scramText(user: ScramImage): string {
  return (
    `ScramCredentialData(salt=${hex(user.salt)}, storedKey=${hex(user.storedKey)}` +
    `, serverKey=${hex(user.serverKey)}, iterations=${user.iterations})`
  );
}

export function tokenText(token: DelegationTokenImage): string {
  return (
    `DelegationTokenDatatokenId=${token.tokenId}(owner=${token.owner}(tokenRequester=${token.requester}` +
    `(renewers=${token.renewers.join(' ')}, issueTimestamp=${token.issueTimestamp}` +
    `, maxTimestamp=${token.maxTimestamp}), expiryTimestamp=${token.expirationTimestamp}`
  );
}
