/**
 * The first message on every stream between replicas, in both directions: who speaks, for which cluster.
 * A stream whose hello does not fit is closed; the reason goes into the log, once for each peer and reason.
 */
import type { Uuid } from '../../base/uuid.ts';
import { ByteReader, ByteWriter, MalformedError } from '../../raft/bytes.ts';
import type { ReplicaKey } from '../../raft/types.ts';

const magic = 0x42454e44;
const protocolVersion = 1;

export interface Hello {
  readonly clusterId: string;
  readonly from: ReplicaKey;
  /** Chosen anew by each start of a node. */
  readonly bootId: number;
}

export function encodeHello(hello: Hello): Uint8Array {
  const writer = new ByteWriter();
  writer.u32(magic);
  writer.u8(protocolVersion);
  writer.text(hello.clusterId);
  writer.replica(hello.from);
  writer.u32(hello.bootId);
  return writer.finish();
}

/** Throws `MalformedError`, also for a hello of another cluster: its message says what does not fit. */
export function decodeHello(bytes: Uint8Array, clusterId: Uuid): Hello {
  const reader = new ByteReader(bytes);
  if (reader.u32() !== magic) throw new MalformedError('the peer does not speak the protocol between nodes');
  const version = reader.u8();
  if (version !== protocolVersion) {
    throw new MalformedError(
      `the peer speaks version ${version} of the protocol between nodes, this node ${protocolVersion}`,
    );
  }
  const theirs = reader.text();
  const from = reader.replica();
  if (theirs !== clusterId) {
    throw new MalformedError(`node ${from.id} belongs to cluster ${theirs}, this node to ${clusterId}`);
  }
  return { clusterId: theirs, from, bootId: reader.u32() };
}
