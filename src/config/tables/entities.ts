/** Configuration of single groups and of client metrics subscriptions. Defaults and bounds are those of Apache Kafka 4.3.1. */
import { offsetReset } from '../checks.ts';
import { bool, int, list, minutes, seconds, string } from '../define.ts';

export const groupProperties = {
  'consumer.session.timeout.ms': int(seconds(45), {
    effect: 'honoured',
    min: 1,
    doc: 'Session timeout of the members.',
  }),
  'consumer.heartbeat.interval.ms': int(seconds(5), {
    effect: 'honoured',
    min: 1,
    doc: 'Heartbeat interval of the members.',
  }),
  'consumer.assignment.interval.ms': int(seconds(1), {
    min: 0,
    effect: 'honoured',
    doc: 'Shortest time between two assignments.',
  }),
  'share.session.timeout.ms': int(seconds(45), { min: 1 }),
  'share.heartbeat.interval.ms': int(seconds(5), { min: 1 }),
  'share.record.lock.duration.ms': int(seconds(30), { min: 1000 }),
  'share.delivery.count.limit': int(5, { min: 2 }),
  'share.partition.max.record.locks': int(2000, { min: 100 }),
  'share.auto.offset.reset': string('latest', {
    check: offsetReset,
    valid: '[latest, earliest, by_duration:PnDTnHnMn.nS]',
  }),
  'share.isolation.level': string('read_uncommitted', { oneOf: ['read_committed', 'read_uncommitted'] }),
  'share.renew.acknowledge.enable': bool(true),
  'share.assignment.interval.ms': int(seconds(1), { min: 0 }),
  'streams.session.timeout.ms': int(seconds(45), { min: 1 }),
  'streams.heartbeat.interval.ms': int(seconds(5), { min: 1 }),
  'streams.num.standby.replicas': int(0, { min: 0 }),
  'streams.initial.rebalance.delay.ms': int(seconds(3), { min: 0 }),
  'streams.assignment.interval.ms': int(seconds(1), { min: 0 }),
};

/** Which clients push metrics, and which metrics they push (KIP-714). */
export const clientMetricsProperties = {
  metrics: list([], { effect: 'honoured', doc: 'Prefixes of the names of metrics to push; `*` is all.' }),
  'interval.ms': int(minutes(5), {
    effect: 'honoured',
    min: 100,
    max: 3_600_000,
    doc: 'How often to push them.',
  }),
  match: list([], {
    effect: 'honoured',
    doc: 'Clients, as name=pattern of attributes such as client_id or client_software_name. Empty: all.',
  }),
};
