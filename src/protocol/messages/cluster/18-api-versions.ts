/**
 * ApiVersions: which requests a node supports, in which versions, and with which features. The header of the response has
 * version 0 in all versions. Version 5 is Kafka 4.4's: the request names the node that the client means to reach (KIP-1242).
 */
import { array, bool, int16, int32, int64, message, string, type Infer } from '../../schema/fields.ts';

export const ApiVersionsRequest = message(
  'ApiVersionsRequest',
  {
    key: 18,
    versions: '0-5',
    flexible: '3+',
    latestVersionUnstable: true,
    listeners: ['broker', 'controller'],
  },
  {
    clientSoftwareName: string('3+', { ignorable: true }),
    clientSoftwareVersion: string('3+', { ignorable: true }),
    clusterId: string('5+', { nullable: '5+', default: null, ignorable: true }),
    nodeId: int32('5+', { default: -1, ignorable: true }),
  },
);
export type ApiVersionsRequest = Infer<typeof ApiVersionsRequest>;

export const ApiVersionsResponse = message(
  'ApiVersionsResponse',
  { key: 18, versions: '0-5', flexible: '3+' },
  {
    errorCode: int16(),
    apiKeys: array({
      apiKey: int16(),
      minVersion: int16(),
      maxVersion: int16(),
    }),
    throttleTimeMs: int32('1+', { ignorable: true }),
    supportedFeatures: array(
      {
        name: string(),
        minVersion: int16(),
        maxVersion: int16(),
      },
      '3+',
      { tag: 0, ignorable: true },
    ),
    finalizedFeaturesEpoch: int64('3+', { default: -1, tag: 1, ignorable: true }),
    finalizedFeatures: array(
      {
        name: string(),
        maxVersionLevel: int16(),
        minVersionLevel: int16(),
      },
      '3+',
      { tag: 2, ignorable: true },
    ),
    zkMigrationReady: bool('3+', { default: false, tag: 3, ignorable: true }),
  },
);
export type ApiVersionsResponse = Infer<typeof ApiVersionsResponse>;
