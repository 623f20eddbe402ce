/** Groups of fields that several messages or metadata records have in common. */
import { int16, int32, int8, string, uint16 } from '../schema/fields.ts';

/** An endpoint of a node, as the node registers it. */
export const listenerEndpoint = {
  name: string(),
  host: string(),
  port: uint16(),
  securityProtocol: int16(),
};

/** The range of levels of a feature that a node supports. */
export const supportedVersions = {
  name: string(),
  minSupportedVersion: int16(),
  maxSupportedVersion: int16(),
};

/** The leader of a partition, for a client whose request went to another broker. */
export const currentLeader = {
  leaderId: int32({ default: -1 }),
  leaderEpoch: int32({ default: -1 }),
};

/** The endpoint of the broker that a response names as leader. */
export const nodeEndpoint = {
  nodeId: int32(),
  host: string(),
  port: int32(),
  rack: string({ nullable: '0+', default: null }),
};

/** The result of a change of the configuration of one resource. */
export const alteredResource = {
  errorCode: int16(),
  errorMessage: string({ nullable: '0+' }),
  resourceType: int8(),
  resourceName: string(),
};
