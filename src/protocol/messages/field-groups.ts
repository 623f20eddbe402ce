/** Groups of fields that several messages, or records of the metadata, have in common. */
import { int16, int32, int8, string, uint16 } from '../schema/fields.ts';

/** Where a node is reached, as it registers it. */
export const listenerEndpoint = {
  name: string(),
  host: string(),
  port: uint16(),
  securityProtocol: int16(),
};

/** The levels of a feature that a node knows. */
export const supportedVersions = {
  name: string(),
  minSupportedVersion: int16(),
  maxSupportedVersion: int16(),
};

/** The leader of a partition, for a client that sent its request to another broker. */
export const currentLeader = {
  leaderId: int32({ default: -1 }),
  leaderEpoch: int32({ default: -1 }),
};

/** How to reach the brokers that `currentLeader` names. */
export const nodeEndpoint = {
  nodeId: int32(),
  host: string(),
  port: int32(),
  rack: string({ nullable: '0+', default: null }),
};

/** What became of the settings of a resource. */
export const alteredResource = {
  errorCode: int16(),
  errorMessage: string({ nullable: '0+' }),
  resourceType: int8(),
  resourceName: string(),
};
