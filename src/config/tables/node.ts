/**
 * Properties of the node itself, one row each: identity, metadata quorum, listeners and sockets. Defaults, bounds and update
 * modes are those of Apache Kafka 4.3.1; `define.ts` explains the columns.
 */
import {
  bool,
  days,
  hours,
  int,
  intMax,
  kibibytes,
  list,
  listOrNull,
  long,
  mebibytes,
  minutes,
  requiredInt,
  requiredList,
  seconds,
  string,
  stringOrNull,
} from '../define.ts';
import { bootstrapServers, quorumVoters } from '../checks.ts';

export const nodeProperties = {
  'advertised.listeners': listOrNull({
    nonEmpty: true,
    importance: 'high',
    effect: 'honoured',
    doc: 'Addresses that clients are told. When not set: of the only broker, the address by which the client reached it; else of the listeners.',
  }),
  'background.threads': int(10, {
    min: 1,
    importance: 'high',
    update: 'cluster-wide',
    effect: 'none',
    doc: 'Size of a thread pool; one event loop does the work here.',
  }),
  'broker.heartbeat.interval.ms': int(seconds(2), {
    effect: 'honoured',
    doc: 'How often a broker tells the active controller that it is alive.',
  }),
  'broker.id': int(-1, {
    importance: 'high',
    effect: 'honoured',
    doc: 'The older name of node.id; when both are set they must be equal.',
  }),
  'broker.rack': stringOrNull({
    effect: 'honoured',
    doc: 'The rack of this broker. Replicas are spread over racks, and consumers may read from a replica in their rack.',
  }),
  'broker.session.timeout.ms': int(seconds(9), {
    effect: 'honoured',
    doc: 'A broker from which the controller received no heartbeat for this long is fenced and loses its leaderships. When its stream breaks, the controller checks earlier whether it still runs.',
  }),
  'connection.failed.authentication.delay.ms': int(100, {
    min: 0,
    importance: 'low',
    effect: 'missing',
    doc: 'How long a connection that failed to authenticate waits before it is closed.',
  }),
  'connections.max.idle.ms': long(minutes(10), {
    effect: 'honoured',
    doc: 'A connection that was idle for this long is closed.',
  }),
  'controlled.shutdown.enable': bool(true, {
    effect: 'honoured',
    doc: 'Whether a stopping broker first hands over its leaderships. It always does, as in Kafka since KRaft.',
  }),
  'controller.listener.names': requiredList({
    nonEmpty: true,
    importance: 'high',
    effect: 'honoured',
    doc: 'Names of the listeners that controllers use among themselves; brokers use the first.',
  }),
  'controller.quorum.append.linger.ms': int(25, {
    min: 0,
    effect: 'none',
    doc: 'How long the leader may gather records before it writes them; here it gathers them while the write before is in progress.',
  }),
  'controller.quorum.auto.join.enable': bool(false, {
    importance: 'low',
    effect: 'honoured',
    doc: 'Lets a controller that is an observer ask to become a voter by itself.',
  }),
  'controller.quorum.bootstrap.servers': list([], {
    check: bootstrapServers,
    valid: 'non-empty list',
    importance: 'high',
    effect: 'honoured',
    doc: 'Where to find the metadata quorum when its members are not listed in controller.quorum.voters.',
  }),
  'controller.quorum.election.backoff.max.ms': int(seconds(1), {
    min: 0,
    importance: 'high',
    effect: 'none',
    doc: 'The longest pause after an election that no candidate won.',
  }),
  'controller.quorum.election.timeout.ms': int(seconds(1), {
    min: 0,
    importance: 'high',
    effect: 'honoured',
    doc: 'A candidate that did not win within this time, to which a random part of up to the same length is added, starts another election.',
  }),
  'controller.quorum.fetch.max.bytes': int(mebibytes(1), { effect: 'none', min: 1, importance: 'low' }),
  'controller.quorum.fetch.snapshot.max.bytes': int(mebibytes(1), {
    effect: 'none',
    min: 1,
    importance: 'low',
  }),
  'controller.quorum.fetch.timeout.ms': int(seconds(2), {
    min: 0,
    importance: 'high',
    effect: 'honoured',
    doc: 'A voter that did not hear from the leader for this long starts an election; a leader that did not hear from a majority for this long resigns.',
  }),
  'controller.quorum.request.timeout.ms': int(seconds(2), {
    min: 0,
    effect: 'none',
    doc: 'How long a request between controllers may take.',
  }),
  'controller.quorum.retry.backoff.ms': int(20, {
    min: 0,
    importance: 'low',
    effect: 'none',
    doc: 'Pause before a failed request between controllers is repeated.',
  }),
  'controller.quorum.voters': list([], {
    check: quorumVoters,
    valid: 'non-empty list',
    importance: 'high',
    effect: 'honoured',
    doc: 'Static metadata quorum: id@host:port of every controller, the same on all nodes.',
  }),
  'controller.socket.timeout.ms': int(seconds(30), {
    effect: 'none',
    doc: 'How long a request to the controller may take; only used with ZooKeeper.',
  }),
  'early.start.listeners': listOrNull({
    importance: 'high',
    doc: 'Listeners that open before the authorizer is ready.',
  }),
  'initial.broker.registration.timeout.ms': int(minutes(1), {
    effect: 'honoured',
    doc: 'A broker that could not register with the controllers within this time ends.',
  }),
  'inter.broker.listener.name': stringOrNull({
    effect: 'honoured',
    doc: 'Listener by which brokers reach each other.',
  }),
  'listener.security.protocol.map': string(
    'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT',
    {
      importance: 'low',
      update: 'per-broker',
      effect: 'honoured',
      doc: 'Security protocol of each listener name.',
    },
  ),
  listeners: list(['PLAINTEXT://:9092'], {
    nonEmpty: true,
    importance: 'high',
    update: 'per-broker',
    effect: 'honoured',
    doc: 'Where this node listens: name://host:port, separated by commas. An empty host is every address.',
  }),
  'max.connection.creation.rate': int(intMax, {
    effect: 'honoured',
    min: 0,
    update: 'cluster-wide',
    doc: 'New connections a second allowed at this broker.',
  }),
  'max.connections': int(intMax, {
    min: 0,
    update: 'cluster-wide',
    effect: 'honoured',
    doc: 'Connections allowed at this broker. The limit of the process on open files can allow fewer: see docs/ops/sizing.md.',
  }),
  'max.connections.per.ip': int(intMax, {
    min: 0,
    update: 'cluster-wide',
    effect: 'honoured',
    doc: 'Connections allowed from one address.',
  }),
  'max.connections.per.ip.overrides': string('', {
    update: 'cluster-wide',
    effect: 'honoured',
    doc: 'Other limits than max.connections.per.ip for some addresses: address:count, separated by commas.',
  }),
  'metadata.log.dir': stringOrNull({
    importance: 'high',
    effect: 'honoured',
    doc: 'Directory of the metadata log; the first of log.dirs when not set.',
  }),
  'metadata.log.max.record.bytes.between.snapshots': long(mebibytes(20), {
    min: 1,
    importance: 'high',
    effect: 'honoured',
    doc: 'A snapshot of the metadata is written after this many bytes of new records.',
  }),
  'metadata.log.max.snapshot.interval.ms': long(hours(1), {
    min: 0,
    importance: 'high',
    effect: 'honoured',
    doc: 'A snapshot of the metadata is written at least this often when there are new records; 0: never by time.',
  }),
  'metadata.log.segment.bytes': int(mebibytes(1024), {
    min: mebibytes(8),
    importance: 'high',
    effect: 'none',
    doc: 'Size of a metadata log segment; the metadata log is kept in LevelDB here.',
  }),
  'metadata.log.segment.ms': long(days(7), {
    importance: 'high',
    effect: 'none',
    doc: 'Age of a metadata log segment; the metadata log is kept in LevelDB here.',
  }),
  'metadata.max.idle.interval.ms': int(500, {
    min: 0,
    importance: 'low',
    effect: 'honoured',
    doc: 'How often an idle active controller writes a record without content, so that progress of the log can be seen; a request to describe the quorum makes it write the next one earlier; 0: never.',
  }),
  'metadata.max.retention.bytes': long(mebibytes(100), {
    importance: 'high',
    effect: 'none',
    doc: 'How many bytes of metadata log and snapshots are kept; here the log is deleted as soon as a snapshot covers it.',
  }),
  'metadata.max.retention.ms': long(days(7), {
    importance: 'high',
    effect: 'none',
    doc: 'How long metadata log and snapshots are kept; here the log is deleted as soon as a snapshot covers it.',
  }),
  'node.id': requiredInt({
    min: 0,
    importance: 'high',
    effect: 'honoured',
    doc: 'Number of this node, unique in the cluster; must agree with meta.properties.',
  }),
  'num.io.threads': int(8, {
    min: 1,
    importance: 'high',
    update: 'cluster-wide',
    effect: 'none',
    doc: 'Size of a thread pool; one event loop does the work here.',
  }),
  'num.network.threads': int(3, {
    min: 1,
    importance: 'high',
    update: 'cluster-wide',
    effect: 'none',
    doc: 'Size of a thread pool; one event loop does the work here.',
  }),
  'process.roles': requiredList({
    oneOf: ['broker', 'controller'],
    nonEmpty: true,
    importance: 'high',
    effect: 'honoured',
    doc: 'The roles of this process: broker, controller, or both.',
  }),
  'queued.max.request.bytes': long(-1, {
    effect: 'honoured',
    doc: 'Bytes of requests in progress above which no more are read from connections; -1: 192 MiB.',
  }),
  'queued.max.requests': int(500, {
    min: 1,
    importance: 'high',
    effect: 'none',
    doc: 'Requests that may wait before no more are read from connections.',
  }),
  'request.timeout.ms': int(seconds(30), {
    importance: 'high',
    effect: 'honoured',
    doc: 'How long a request between brokers may take.',
  }),
  'security.inter.broker.protocol': string('PLAINTEXT', {
    oneOf: ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'],
    effect: 'honoured',
    doc: 'Chooses the listener between brokers by its security protocol, when inter.broker.listener.name is not set.',
  }),
  'socket.connection.setup.timeout.max.ms': long(seconds(30), {
    effect: 'none',
    doc: 'Upper bound of the growing time for opening a connection.',
  }),
  'socket.connection.setup.timeout.ms': long(seconds(10), {
    effect: 'none',
    doc: 'How long a connection to another node may take to open.',
  }),
  'socket.listen.backlog.size': int(50, {
    min: 1,
    effect: 'honoured',
    doc: 'Connections that may wait to be accepted.',
  }),
  'socket.receive.buffer.bytes': int(kibibytes(100), {
    importance: 'high',
    effect: 'none',
    doc: 'Receive buffer of a socket; the system chooses it here.',
  }),
  'socket.request.max.bytes': int(mebibytes(100), {
    min: 1,
    importance: 'high',
    effect: 'honoured',
    doc: 'A connection that announces a larger request is closed.',
  }),
  'socket.send.buffer.bytes': int(kibibytes(100), {
    importance: 'high',
    effect: 'none',
    doc: 'Send buffer of a socket; the system chooses it here.',
  }),
};
