/** Bugs between nodes: which node may talk to which, the identity of a request, the largest message, hand-written codecs. */
const hello = 'src/base/hello.ts';
const helloTest = 'test/base/hello.test.ts';
const table = 'src/server/controller/request-table.ts';
const client = 'src/server/controller/controller-client.ts';
const wireTest = 'test/wire/service.test.ts';
const sameReading =
  'for any bytes, the hand-written codec gives what the codec of proto/ gives, or leaves them to it';

export const wireRows = [
  {
    number: 730,
    bug: 'a node of another cluster is served after an address was given to a new owner',
    reference: 'docs/wire.md: nothing is served before the hello fits',
    change: 'cluster ids are not compared',
    edits: [
      {
        file: hello,
        from: 'if (hello.clusterId !== identity.clusterId)',
        to: 'if (hello.clusterId === null)',
      },
    ],
    caughtBy: { test: helloTest, name: 'is refused from another cluster' },
  },
  {
    number: 731,
    bug: 'a node of a later release that gave up our version is served',
    reference: 'docs/wire.md: a stream begins with the ranges of both sides',
    change: "the sender's lowest version is not checked",
    edits: [{ file: hello, from: 'hello.versionMin > versionMax || ', to: '' }],
    caughtBy: { test: helloTest, name: 'no version of the protocol in common' },
  },
  {
    number: 732,
    bug: 'a release that needs a newer version talks to nodes before it',
    reference: 'docs/wire.md: a stream begins with the ranges of both sides',
    change: "the sender's highest version is not checked",
    edits: [{ file: hello, from: ' || hello.versionMax < versionMin', to: '' }],
    caughtBy: { test: helloTest, name: 'no version of the protocol in common' },
  },
  {
    number: 733,
    bug: 'a node answers in place of the one that had its address before',
    reference: 'KIP-853: a voter is its id and its directory',
    change: 'the node id that the sender means is not checked',
    edits: [
      {
        file: hello,
        from: 'if (hello.wantedNodeId >= 0 && hello.wantedNodeId !== identity.nodeId)',
        to: 'if (hello.wantedNodeId < -1)',
      },
    ],
    caughtBy: { test: helloTest, name: 'now belongs to another node' },
  },
  {
    number: 734,
    bug: 'a call is served before its sender has said who it is',
    reference: 'docs/wire.md: nothing is served before the hello fits',
    change: 'the first message need not be a hello',
    edits: [
      {
        file: 'src/server/calls/call-server.ts',
        from: "if (fault !== null || message.type !== 'hello') {",
        to: "if (message.type === 'call') return void this.#serve(stream, message, { hello: helloOf(identity), isAwaited: () => true });\n    if (fault !== null) {",
      },
    ],
    caughtBy: { test: 'test/server/calls/broker-calls.test.ts', name: 'a call without a hello' },
  },
  {
    number: 735,
    bug: 'a request that a broker sends again is carried out again: the client that created a topic is told that it exists',
    reference: 'review of 2026-11 §6.7; Raft dissertation §6.3',
    change: 'identities of requests are not compared',
    edits: [
      { file: table, from: 'if (known !== undefined) {', to: 'if (known !== undefined && requestId < 0) {' },
    ],
    caughtBy: { test: 'test/testing/request-identity.test.ts', name: 'is carried out once' },
  },
  {
    number: 736,
    bug: 'each attempt of a request has an identity of its own',
    reference: 'review of 2026-11 §6.7',
    change: 'a request id is drawn for every attempt',
    edits: [
      {
        file: client,
        from: 'lowestPendingId: this.#ids.lowestPending, ...request };',
        to: 'lowestPendingId: this.#ids.lowestPending, ...request, requestId: this.#ids.begin() };',
      },
    ],
    caughtBy: { test: 'test/testing/request-identity.test.ts', name: 'is carried out once' },
  },
  {
    number: 737,
    bug: 'the requests of a node that started anew get the answers of its last incarnation',
    reference: 'Raft dissertation §6.3: client ids and serial numbers',
    change: 'boots are not told apart',
    edits: [{ file: table, from: 'if (known?.bootId === bootId)', to: 'if (known !== undefined)' }],
    caughtBy: {
      test: 'test/server/controller/request-table.test.ts',
      name: 'are carried out once when they are sent several times; each sender gets the response',
    },
  },
  {
    number: 738,
    bug: 'a peer makes a node receive a message of any size',
    reference: 'review of 2026-11 §6.13',
    change: 'the server has no limit',
    edits: [
      {
        file: 'src/adapters/grpc/grpc-server.ts',
        from: "'grpc.max_receive_message_length': peerRequestBytesMax,",
        to: "'grpc.max_receive_message_length': peerRequestBytesMax * 100,",
      },
    ],
    caughtBy: { test: 'test/adapters/one-port.test.ts', name: 'sends a message larger than 24 MiB' },
  },
  {
    number: 739,
    bug: 'a follower receives a push of any size',
    reference: 'review of 2026-11 §6.13',
    change: 'the client has no limit',
    edits: [
      {
        file: 'src/adapters/grpc/grpc-client.ts',
        from: "'grpc.max_receive_message_length': responseBytesMax,",
        to: "'grpc.max_receive_message_length': responseBytesMax * 100,",
      },
    ],
    caughtBy: { test: 'test/adapters/one-port.test.ts', name: 'a leader can push a batch' },
  },
  {
    number: 740,
    bug: 'a request that no node would take in breaks the stream that all other requests use',
    reference: 'docs/limits.md: bodies of calls',
    change: 'a body above the limit is sent',
    edits: [
      {
        file: 'src/server/calls/broker-client.ts',
        from: 'if (body.length > callBodyBytesMax)',
        to: 'if (body.length < 0)',
      },
    ],
    caughtBy: { test: 'test/server/calls/broker-calls.test.ts', name: 'a body above the bound' },
  },
  {
    number: 741,
    bug: 'an integer that is not safe is taken for another number',
    reference: 'codecs written by hand',
    change: 'the reader of pushes takes integers of any size',
    edits: [
      {
        file: 'src/wire/push.ts',
        from: 'if (value < 0) return null;',
        to: '',
      },
    ],
    caughtBy: { test: wireTest, name: sameReading },
  },
  {
    number: 742,
    bug: 'a field of a later release makes an acknowledgement unreadable',
    reference: 'docs/wire.md: a reader skips fields that it does not know',
    change: 'an unknown field is malformed in the reader written by hand',
    edits: [
      {
        file: 'src/wire/ack.ts',
        from: 'if (!cursor.enterFrame(tags.ack)) return null;',
        to: "if (bytes[0] === tags.ack && !cursor.enterFrame(tags.ack)) throw new Error('unknown field');",
      },
    ],
    caughtBy: {
      test: wireTest,
      name: 'skips unknown fields, and returns null for an unknown kind of message',
    },
  },
  {
    number: 743,
    bug: 'a kind of message of a later release breaks the stream',
    reference: 'docs/wire.md: a reader skips kinds that it does not know',
    change: 'an unknown kind is malformed',
    edits: [
      {
        file: 'src/wire/service.ts',
        from: 'if (frame.body === undefined) return null;',
        to: "if (frame.body === undefined) throw new MalformedError('unknown kind');",
      },
    ],
    caughtBy: {
      test: wireTest,
      name: 'skips unknown fields, and returns null for an unknown kind of message',
    },
  },
  {
    number: 1442,
    bug: 'after a network partition of a minute the quorum has no leader for another minute',
    reference: 'a tester from outside, with packets dropped by nftables between all nodes',
    change: 'an attempt to connect to another node has no short time-out',
    edits: [
      {
        file: 'src/adapters/grpc/grpc-client.ts',
        from: 'const connectTimeoutMs = 3000;',
        to: 'const connectTimeoutMs = 9000;',
      },
    ],
    caughtBy: { test: 'test/adapters/one-port.test.ts', name: 'is not established within connectTimeoutMs' },
  },
  {
    number: 1443,
    bug: 'a follower stays out of the ISR for good after a network partition',
    reference:
      'a tester from outside: the leader had closed the stream while packets were lost, the follower waited on it',
    change: 'a node does not ping the nodes to which it has opened streams',
    edits: [
      {
        file: 'src/adapters/grpc/common.ts',
        from: "'grpc.keepalive_time_ms': pingIntervalMs,",
        to: "'grpc.keepalive_time_ms': 20 * pingIntervalMs,",
      },
    ],
    caughtBy: { test: 'test/adapters/one-port.test.ts', name: 'does not respond to a ping' },
  },
];
