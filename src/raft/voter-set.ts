/**
 * The format of a voter set (VoterSet of proto/storage.proto): the payload of an entry of kind `voters`, and a part of a
 * snapshot file. Release 0.1 wrote another format, which this release can still read.
 */
import { nodeId } from '../base/ids.ts';
import { MalformedError, ProtoReader, ProtoWriter } from '../base/protobuf.ts';
import { isUuid, uuidZero } from '../base/uuid.ts';
import { FixedReader } from './fixed-reader.ts';
import type { Endpoint, Voter } from './types.ts';

/** The first byte in the format of release 0.1. An encoded VoterSet never begins with it, so it tells the formats apart. */
const firstForm = 1;

export function encodeVoters(voters: readonly Voter[]): Uint8Array {
  const writer = new ProtoWriter();
  for (const voter of voters) writer.message(1, encodeVoter(voter));
  return writer.finish();
}

/** Encodes a StoredVoter. */
export function encodeVoter(voter: Voter): Uint8Array {
  const writer = new ProtoWriter();
  writer.uint(1, voter.id);
  writer.text(2, voter.directoryId);
  for (const { name, host, port } of voter.endpoints) {
    const endpoint = new ProtoWriter();
    endpoint.text(1, name);
    endpoint.text(2, host);
    endpoint.uint(3, port);
    writer.message(3, endpoint.finish());
  }
  return writer.finish();
}

/** Throws `MalformedError`. */
export function decodeVoters(bytes: Uint8Array): Voter[] {
  if (bytes[0] === firstForm) return new FixedReader(bytes, 1).voters();
  const voters: Voter[] = [];
  new ProtoReader(bytes).fields({ 1: (reader) => voters.push(decodeVoter(reader.bytes())) });
  return voters;
}

/** Whether the bytes are a voter set that a quorum can have. */
export function isVoterSet(bytes: Uint8Array): boolean {
  try {
    return isQuorum(decodeVoters(bytes));
  } catch (error) {
    if (error instanceof MalformedError) return false;
    throw error;
  }
}

/** Whether these can be the voters of a quorum: there are some, and none is listed twice. */
export function isQuorum(voters: readonly Voter[]): boolean {
  return voters.length > 0 && new Set(voters.map(({ id }) => id)).size === voters.length;
}

/** Throws `MalformedError`. */
export function decodeVoter(bytes: Uint8Array): Voter {
  let id = 0;
  let directoryId = uuidZero;
  const endpoints: Endpoint[] = [];
  new ProtoReader(bytes).fields({
    1: (reader) => {
      id = reader.uint();
    },
    2: (reader) => {
      directoryId = reader.text();
    },
    3: (reader) => endpoints.push(decodeEndpoint(reader.bytes())),
  });
  if (!isUuid(directoryId)) throw new MalformedError(`voter ${id} has no directory id`);
  return { id: nodeId(id), directoryId, endpoints };
}

function decodeEndpoint(bytes: Uint8Array): Endpoint {
  const endpoint = { name: '', host: '', port: 0 };
  new ProtoReader(bytes).fields({
    1: (reader) => {
      endpoint.name = reader.text();
    },
    2: (reader) => {
      endpoint.host = reader.text();
    },
    3: (reader) => {
      endpoint.port = reader.uint();
    },
  });
  return endpoint;
}
