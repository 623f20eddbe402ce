// A peer in a process of its own, in plain JavaScript, so that a test can kill it: a gRPC client and server made from proto/
// alone. It opens a stream to the given port, and on a port of its own it echoes all messages.
import { join } from 'node:path';
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';

const proto = loader.loadSync(join(import.meta.dirname, '../../proto/peer.proto'), {
  keepCase: true,
  oneofs: true,
});
const { Peer } = grpc.loadPackageDefinition(proto).bendemann.v1;
const server = new grpc.Server();
server.addService(Peer.service, { Raft: (call) => call.on('data', (message) => call.write(message)) });
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  const call = new Peer(`127.0.0.1:${process.argv[2]}`, grpc.credentials.createInsecure()).Raft();
  call.on('error', () => {});
  call.write({ timeout_now: { epoch: 1 } });
  process.stdout.write(String(port));
});
