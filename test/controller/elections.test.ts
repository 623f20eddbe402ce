/**
 * unclean.leader.election.enable, min.insync.replicas and eligible leader replicas (KIP-966) together, as Kafka's
 * PartitionChangeBuilder has them: a table of histories of one partition on brokers 1, 2 and 3, and what is left of it.
 */
import { describe, expect, test } from 'vitest';
import { nodeId } from '../../src/base/ids.ts';
import { TestController } from './harness.ts';

/**
 * `-n`: broker n dies (`kill -9`); `+n`: it comes back with what it had, after a clean stop as far as the controller knows;
 * `!n`: it comes back after an unclean stop; `i12`: the leader makes the ISR 1, 2; `m1`: min.insync.replicas becomes 1;
 * `u`: unclean elections are allowed from now on; `e`: somebody asks for an unclean election.
 */
function play(steps: string, options: { elr: boolean; minIsr: number; unclean?: boolean }) {
  const controller = new TestController(
    { minInsyncReplicas: options.minIsr, uncleanLeaderElectionEnable: options.unclean ?? false },
    7,
    options.elr,
  ).start(1, 2, 3);
  controller.create('t', [[1, 2, 3]]);
  let incarnation = 10;
  const epochs = new Map<number, number>();
  const setTopic = (name: string, value: string): void => {
    controller.call(44, {
      resources: [{ resourceType: 2, resourceName: 't', configs: [{ name, configOperation: 0, value }] }],
      validateOnly: false,
    });
  };
  for (const step of steps.split(' ')) {
    const id = Number(step[1] ?? 0);
    if (step[0] === '-') {
      epochs.set(id, controller.epochOf(id));
      controller.kill(id);
    } else if (step[0] === '+' || step[0] === '!') {
      const previousBrokerEpoch = step[0] === '+' ? (epochs.get(id) ?? -1) : -1;
      controller.active.brokerStreamBroken(nodeId(id));
      controller.register(id, { incarnation: ++incarnation, previousBrokerEpoch });
      controller.beat(id);
    } else if (step[0] === 'i') {
      controller.alterIsr('t', 0, step.slice(1).split('').map(Number));
    } else if (step[0] === 'm') setTopic('min.insync.replicas', String(id));
    else if (step[0] === 'u') setTopic('unclean.leader.election.enable', 'true');
    else {
      controller.call(43, {
        electionType: 1,
        topicPartitions: [{ topic: 't', partitions: [0] }],
        timeoutMs: 1000,
      });
    }
  }
  const { leader, isr, elr, leaderRecoveryState } = controller.partition('t');
  const recovering = leaderRecoveryState === 1 ? ' recovering' : '';
  return `leader ${leader} isr ${isr.join('')} elr ${elr.join('')}${recovering}`;
}

type Row = [steps: string, expected: string];

describe('with ELR, min.insync.replicas=2', () => {
  test.each<Row>([
    // While the ISR has at least min.insync.replicas members, the ELR stays empty.
    ['-1', 'leader 2 isr 23 elr '],
    ['i12 -3', 'leader 1 isr 12 elr '],
    // Below the minimum, whoever leaves the ISR enters the ELR: nothing can be committed without it, so it has every committed
    // record.
    ['-1 -2', 'leader 3 isr 3 elr 2'],
    ['-1 -2 -3', 'leader -1 isr  elr 23'],
    ['i12 -2', 'leader 1 isr 1 elr 2'],
    ['i1', 'leader 1 isr 1 elr 23'],
    // Return after a clean stop: a member of the ELR becomes leader, any other replica waits.
    ['-1 -2 -3 +1', 'leader -1 isr  elr 23'],
    ['-1 -2 -3 +2', 'leader 2 isr 2 elr 3'],
    ['-1 -2 -3 +3', 'leader 3 isr 3 elr 2'],
    // Return after an unclean stop: the replica may have lost records, so it leaves the ELR.
    ['-1 -2 -3 !2', 'leader -1 isr  elr 3'],
    ['-1 -2 -3 !2 +3', 'leader 3 isr 3 elr '],
    // Both eligible replicas came back unclean. The last known leader is elected, in state recovering.
    ['-1 -2 -3 !2 !3', 'leader 3 isr 3 elr  recovering'],
    ['-1 -2 -3 !3', 'leader -1 isr  elr 2'],
    ['-1 -2 -3 !3 !2', 'leader 3 isr 3 elr  recovering'],
    // Once the ISR has min.insync.replicas members again, the ELR is emptied.
    ['-1 -2 +2 i32', 'leader 3 isr 32 elr '],
    // A broker that returns unclean before it was fenced leaves the ISR.
    ['!2', 'leader 1 isr 13 elr '],
    // A change of min.insync.replicas empties the ELR.
    ['-1 -2 m1', 'leader 3 isr 3 elr '],
    ['-1 -2 -3 m1 +2', 'leader -1 isr  elr '],
  ])('%s: %s', (steps, expected) => {
    expect(play(steps, { elr: true, minIsr: 2 })).toBe(expected);
  });
});

describe('with ELR, other minima', () => {
  test.each<[number, ...Row]>([
    [1, '-1 -2', 'leader 3 isr 3 elr '],
    [1, '-1 -2 -3', 'leader -1 isr  elr 3'],
    [1, '-1 -2 -3 +2', 'leader -1 isr  elr 3'],
    [1, '-1 -2 -3 +3', 'leader 3 isr 3 elr '],
    [3, '-1', 'leader 2 isr 23 elr 1'],
    [3, '-1 -2', 'leader 3 isr 3 elr 12'],
    // A minimum above the number of replicas counts as the number of replicas.
    [5, '-1', 'leader 2 isr 23 elr 1'],
  ])('min.insync.replicas=%i: %s: %s', (minIsr, steps, expected) => {
    expect(play(steps, { elr: true, minIsr })).toBe(expected);
  });
});

describe('without ELR', () => {
  test.each<Row>([
    ['-1 -2', 'leader 3 isr 3 elr '],
    // Without ELR, the last member stays in the ISR, and only it can be elected.
    ['-1 -2 -3', 'leader -1 isr 3 elr '],
    ['-1 -2 -3 +2', 'leader -1 isr 3 elr '],
    ['-1 -2 -3 !3', 'leader 3 isr 3 elr '],
  ])('%s: %s', (steps, expected) => {
    expect(play(steps, { elr: false, minIsr: 2 })).toBe(expected);
  });
});

describe('unclean elections', () => {
  test.each<[boolean, ...Row]>([
    // No member of ISR or ELR is alive: any live replica is elected. It is then the only ISR member, in state recovering.
    [true, '-1 -2 -3 u +1', 'leader 1 isr 1 elr  recovering'],
    [false, '-1 -2 -3 u +1', 'leader 1 isr 1 elr  recovering'],
    // Unclean elections are allowed only after a live replica has been waiting: it is elected then.
    [true, '-1 -2 -3 +1 u', 'leader 1 isr 1 elr  recovering'],
    // A live ELR member is preferred to an unclean election.
    [true, '-1 -2 -3 u +3', 'leader 3 isr 3 elr 2'],
    // Unclean elections are not allowed by configuration, but a request asks for one.
    [true, '-1 -2 -3 +1 e', 'leader 1 isr 1 elr  recovering'],
    [false, '-1 -2 -3 +1 e', 'leader 1 isr 1 elr  recovering'],
    // A request asks for an unclean election although there is a leader: nothing changes.
    [true, '-1 e', 'leader 2 isr 23 elr '],
  ])('ELR %s: %s: %s', (elr, steps, expected) => {
    expect(play(steps, { elr, minIsr: 2 })).toBe(expected);
  });

  test("happen when only the broker's configuration allows them", () => {
    expect(play('-1 -2 -3 +1', { elr: true, minIsr: 2, unclean: true })).toBe(
      'leader 1 isr 1 elr  recovering',
    );
  });

  test('a recovering leader is marked as recovered by its AlterPartition, with which the ISR grows', () => {
    const controller = new TestController({ minInsyncReplicas: 2 }).start(1, 2, 3);
    controller.create('t', [[1, 2, 3]]);
    for (const id of [1, 2, 3]) controller.kill(id);
    controller.register(1, { incarnation: 11 });
    controller.beat(1);
    controller.call(43, {
      electionType: 1,
      topicPartitions: [{ topic: 't', partitions: [0] }],
      timeoutMs: 1000,
    });
    expect(controller.partition('t')).toMatchObject({ leader: nodeId(1), leaderRecoveryState: 1 });
    controller.register(2, { incarnation: 12 });
    controller.beat(2);
    controller.alterIsr('t', 0, [1, 2]);
    expect(controller.partition('t')).toMatchObject({ isr: [1, 2], leaderRecoveryState: 0 });
  });
});
