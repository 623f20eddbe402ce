// A peer in a process of its own, in plain JavaScript, so that it can be killed: opens a stream to the port given and echoes on one of its own.
import grpc from '@grpc/grpc-js';

const identity = (bytes) => bytes;
const method = {
  path: '/bendemann.v1.Peer/Raft',
  requestStream: true,
  responseStream: true,
  requestSerialize: identity,
  requestDeserialize: identity,
  responseSerialize: identity,
  responseDeserialize: identity,
};
const server = new grpc.Server();
server.addService({ Raft: method }, { Raft: (call) => call.on('data', (message) => call.write(message)) });
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  const client = new grpc.Client(`127.0.0.1:${process.argv[2]}`, grpc.credentials.createInsecure());
  const call = client.makeBidiStreamRequest(method.path, identity, identity);
  call.on('error', () => {});
  call.write(Buffer.from('hello'));
  process.stdout.write(String(port));
});
