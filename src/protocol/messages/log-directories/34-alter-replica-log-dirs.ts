/** AlterReplicaLogDirs: moves replicas between log directories of a broker. */
import { array, int16, int32, message, string, type Infer } from '../../schema/fields.ts';

export const AlterReplicaLogDirsRequest = message(
  'AlterReplicaLogDirsRequest',
  { key: 34, versions: '1-2', flexible: '2+', listeners: ['broker'] },
  {
    dirs: array({
      path: string(),
      topics: array({
        name: string(),
        partitions: array(int32()),
      }),
    }),
  },
);
export type AlterReplicaLogDirsRequest = Infer<typeof AlterReplicaLogDirsRequest>;

export const AlterReplicaLogDirsResponse = message(
  'AlterReplicaLogDirsResponse',
  { key: 34, versions: '1-2', flexible: '2+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
);
export type AlterReplicaLogDirsResponse = Infer<typeof AlterReplicaLogDirsResponse>;
