/**
 * Replicas that have lost records, and those that may lead instead (docs/decisions/0080): histories of one partition on brokers
 * 1, 2 and 3, and a random test with a model of the logs.
 */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeId } from '../../src/base/ids.ts';
import { uuidZero } from '../../src/base/uuid.ts';
import { TestController, uuidOf } from './harness.ts';

/** One partition `t-0`, the processes of its brokers, and what is in their logs. */
class Model {
  readonly controller: TestController;
  readonly minIsr: number;
  readonly alive = new Set<number>();
  /** By broker: the records of its log, as number and leader epoch. */
  readonly logs = new Map<number, { id: number; epoch: number }[]>();
  /** Records that were acknowledged with acks=all. */
  acked = new Set<number>();
  /** Brokers whose logs have lost records, and have not been copied from a leader since. */
  readonly damaged = new Set<number>();
  /** Brokers that left the ISR while a live leader and another member went on, and have not followed a leader since. */
  readonly #leftBehind = new Set<number>();
  #incarnation = 100;
  #record = 0;

  constructor(elr: boolean, minIsr: number, replicas = [1, 2, 3]) {
    this.minIsr = minIsr;
    this.controller = new TestController({ minInsyncReplicas: minIsr }, 7, elr).start(1, 2, 3);
    this.controller.create('t', [replicas]);
    for (const id of replicas) {
      this.alive.add(id);
      this.logs.set(id, []);
    }
  }

  /** Checks that everybody who leaves ISR and ELR is remembered, unless a leader and another member go on. */
  private observe(act: () => void): void {
    const before = this.controller.partition('t');
    act();
    const { leader, isr, elr, formerIsr } = this.controller.partition('t');
    for (const id of [...before.isr, ...before.elr]) {
      if (isr.includes(id) || elr.includes(id)) continue;
      if (formerIsr.some(({ brokerId }) => brokerId === id)) continue;
      const goesOn = leader === before.leader && this.alive.has(leader) && isr.length > 1;
      expect(goesOn, `${id} of ${JSON.stringify(before)}`).toBe(true);
      this.#leftBehind.add(id);
    }
  }

  get leader(): number {
    return this.controller.partition('t').leader;
  }

  log(id: number): { id: number; epoch: number }[] {
    return this.logs.get(id) ?? [];
  }

  /** The leader appends a record, and every member of the ISR does. It is acknowledged when the ISR is large enough. */
  write(): void {
    const { leader, isr, leaderEpoch, replicas } = this.controller.partition('t');
    if (leader < 0 || isr.some((id) => !this.alive.has(id))) return;
    if (isr.length < Math.min(this.minIsr, replicas.length)) return;
    const id = ++this.#record;
    for (const member of isr) this.log(member).push({ id, epoch: leaderEpoch });
    this.acked.add(id);
  }

  /** The process ends. The controller sees the broken stream; `isFenced`: it has fenced the broker too. */
  kill(id: number, isFenced: boolean): void {
    if (!this.alive.delete(id)) return;
    this.controller.active.brokerStreamBroken(nodeId(id));
    if (isFenced) this.observe(() => this.controller.kill(id));
  }

  /** Starts the broker. `lost`: how many records have been removed from its log meanwhile, and where. */
  start(id: number, lost: { at: number; count: number } | null = null): void {
    if (this.alive.has(id)) return;
    this.alive.add(id);
    const log = this.log(id);
    const removed = lost === null ? [] : log.splice(lost.at % (log.length + 1), lost.count);
    const partitions = [{ partitionIndex: 0, leaderEpoch: log.at(-1)?.epoch ?? -1 }];
    const lostRecords = [{ topicName: 't', topicId: this.controller.partition('t').topicId, partitions }];
    if (removed.length > 0) this.damaged.add(id);
    this.observe(() => {
      this.controller.register(id, {
        incarnation: ++this.#incarnation,
        lostRecords: removed.length > 0 ? lostRecords : [],
      });
    });
    this.controller.beat(id);
  }

  /** A follower copies the leader's log and joins the ISR. */
  follow(id: number): void {
    const { leader, isr } = this.controller.partition('t');
    if (leader < 0 || !this.alive.has(leader) || !this.alive.has(id) || isr.includes(nodeId(id))) return;
    this.logs.set(id, [...this.log(leader)]);
    this.damaged.delete(id);
    this.controller.beat(leader);
    this.controller.alterIsr('t', 0, [...isr, id]);
    if (this.controller.partition('t').isr.includes(nodeId(id))) this.#leftBehind.delete(id);
  }

  failOver(): void {
    this.observe(() => this.controller.failOver());
  }

  /** The session of a live broker ends. */
  fence(id: number): void {
    if (this.alive.has(id)) this.observe(() => this.controller.kill(id));
  }

  /**
   * Fails when the leader lacks an acknowledged record that a replica without loss has, and has no acknowledged record that
   * this replica lacks. What the leader lacks is lost from now on.
   */
  check(): void {
    const { leader } = this;
    if (leader < 0) return;
    const has = (id: number): Set<number> =>
      new Set(this.log(id).flatMap((record) => (this.acked.has(record.id) ? [record.id] : [])));
    const own = has(leader);
    for (const other of this.logs.keys()) {
      if (other === leader || this.damaged.has(other) || this.#leftBehind.has(other)) continue;
      const others = has(other);
      const lacks = [...others].filter((id) => !own.has(id));
      const isBetter = lacks.length > 0 && [...own].every((id) => others.has(id));
      const where = JSON.stringify(this.controller.partition('t'));
      expect(isBetter ? `${leader} lacks ${lacks.join()} of ${other}: ${where}` : '').toBe('');
    }
    this.acked = own;
    this.damaged.delete(leader);
  }
}

/**
 * `w`: the leader writes; `K`: all are killed at once, and another controller becomes active; `-n`: broker n is killed and
 * fenced; `+n`: it comes back with what it had (after an unclean stop); `xn`: it comes back without its first record, `yn`
 * without all; `fn`: it follows the leader and joins the ISR; `u`: unclean elections are allowed; `e`: somebody asks for an
 * unclean election.
 */
function play(steps: string, options: { elr?: boolean; minIsr?: number; replicas?: number[] } = {}): string {
  const model = new Model(options.elr ?? true, options.minIsr ?? 2, options.replicas);
  const { controller } = model;
  for (const step of steps.split(' ')) {
    const id = Number(step[1] ?? 0);
    if (step === 'w') model.write();
    else if (step === 'K') {
      for (const one of [1, 2, 3]) model.kill(one, false);
      model.failOver();
    } else if (step[0] === '-') model.kill(id, true);
    else if (step[0] === '+') model.start(id);
    else if (step[0] === 'x') model.start(id, { at: 0, count: 1 });
    else if (step[0] === 'y') model.start(id, { at: 0, count: 100 });
    else if (step[0] === 'f') model.follow(id);
    else if (step === 'u') {
      const configs = [{ name: 'unclean.leader.election.enable', configOperation: 0, value: 'true' }];
      controller.call(44, {
        resources: [{ resourceType: 2, resourceName: 't', configs }],
        validateOnly: false,
      });
    } else {
      const topicPartitions = [{ topic: 't', partitions: [0] }];
      controller.call(43, { electionType: 1, topicPartitions, timeoutMs: 1000 });
    }
  }
  const { leader, isr, formerIsr } = controller.partition('t');
  const lost = formerIsr.filter(({ hasLostRecords }) => hasLostRecords).map(({ brokerId }) => brokerId);
  return `leader ${leader} isr ${isr.join('')} lost ${lost.join('')}`;
}

type Row = [steps: string, expected: string];

const orders = ['123', '132', '213', '231', '312', '321'];

describe.each([true, false])('all brokers are killed (eligible leader replicas: %s)', (elr) => {
  test.each(orders)('one has lost records, start in the order %s: another leads', (order) => {
    for (const victim of order) {
      const starts = [...order].map((id) => (id === victim ? `x${id}` : `+${id}`)).join(' ');
      const result = play(`w w K ${starts}`, { elr });
      expect(result).toMatch(/leader [123]/);
      expect(result).not.toContain(`leader ${victim}`);
      expect(result).toContain(`lost ${victim}`);
    }
  });

  test.each(orders)('two have lost records, start in the order %s: the third leads', (order) => {
    for (const whole of order) {
      const starts = [...order].map((id) => (id === whole ? `+${id}` : `x${id}`)).join(' ');
      expect(play(`w w K ${starts}`, { elr })).toMatch(`leader ${whole} isr ${whole}`);
    }
  });

  test.each<Row>([
    // Nobody has all records: the last one leads, as before.
    ['w w K x1 x2 x3', 'leader 3 isr 3 lost 12'],
    // The replica that lost records joins the ISR by the usual way, and may lead afterwards.
    ['w w K x1 +2 +3 f1', 'leader 3 isr 31 lost '],
    ['w w K x1 +2 +3 f1 -3', 'leader 1 isr 1 lost '],
    // It comes back again before it has caught up: the loss is not forgotten.
    ['w w K x3 -3 +1 +2 +3', 'leader 2 isr 2 lost 3'],
    ['w w K +1 +2 x3 -1 -2 +3', 'leader -1 isr  lost 3'].map((text) =>
      elr ? text : text.replace('isr ', 'isr 2'),
    ) as Row,
  ])('%s: %s', (steps, expected) => {
    expect(play(steps, { elr })).toBe(expected);
  });

  test('a single replica that has lost records leads', () => {
    expect(play('w w -1 x1', { elr, minIsr: 1, replicas: [1] })).toBe('leader 1 isr 1 lost ');
  });
});

describe('the last known leader has lost records', () => {
  test.each<Row>([
    // Broker 2 left the ELR after an unclean stop while the leader could commit nothing. It has every committed record.
    ['w -3 -2 +2 -1 x1', 'leader 2 isr 2 lost 1'],
    // Nobody who has all records is alive: the partition waits, unless somebody asks for an unclean election.
    ['w K +1 +2 -2 x3', 'leader -1 isr  lost 3'],
    ['w K +1 +2 -2 x3 +2', 'leader 2 isr 2 lost 3'],
    ['w K +1 +2 -2 x3 e', 'leader 1 isr 1 lost 3'],
    ['w K +1 +2 -2 x3 u', 'leader 1 isr 1 lost 3'],
  ])('%s: %s', (steps, expected) => {
    expect(play(steps)).toBe(expected);
  });

  test('another left when it could commit nothing, and it has committed records since: it leads', () => {
    // Broker 2 has the first record. The leader epoch ended with it, so the log of broker 1 shows that the others are newer.
    expect(play('w -3 -2 +2 +3 f3 w w -3 x3 -1 x1')).toBe('leader 1 isr 1 lost 3');
  });

  test('it has committed records that the others lack: it leads', () => {
    // Broker 1 was in sync until the leader epoch of broker 2 began, and broker 2 has committed records alone since.
    expect(play('w -1 w -3 w -2 +1 +3 x2', { minIsr: 1 })).toBe('leader 2 isr 2 lost ');
  });
});

describe('what the registration says', () => {
  const lost = (topicName: string, topicId: string, partitionIndex: number): string => {
    const model = new Model(true, 2);
    for (const id of [1, 2, 3]) model.kill(id, false);
    model.failOver();
    model.controller.register(1, {
      incarnation: 50,
      lostRecords: [{ topicName, topicId, partitions: [{ partitionIndex, leaderEpoch: 0 }] }],
    });
    return model.controller
      .partition('t')
      .formerIsr.map((member) => JSON.stringify(member))
      .join();
  };
  const reported = '{"brokerId":1,"leaderEpoch":0,"hasLostRecords":true}';

  test('names a partition by topic name when the topic id is unknown', () => {
    expect(lost('t', uuidZero, 0)).toBe(reported);
  });

  test('is ignored for a topic or partition that does not exist, and for a topic that was created anew', () => {
    const unknown = [lost('other', uuidZero, 0), lost('t', uuidZero, 7), lost('t', uuidOf(9), 0)];
    for (const text of unknown) expect(text).not.toContain('true');
  });

  test('has an old broker epoch: the directories are an old copy, and other replicas lead', () => {
    const model = new Model(true, 2);
    model.write();
    const old = model.controller.epochOf(3);
    model.kill(3, true);
    model.start(3);
    model.follow(3);
    for (const id of [1, 2, 3]) model.kill(id, false);
    model.failOver();
    for (const id of [1, 2]) model.start(id);
    model.controller.register(3, { incarnation: 70, previousBrokerEpoch: old });
    model.controller.beat(3);
    expect(model.controller.shape('t')).toMatchObject({ leader: 2, isr: [2] });
  });

  test('counts for a broker that was unregistered while it was down', () => {
    const model = new Model(true, 2);
    model.kill(1, true);
    model.controller.call(64, { brokerId: 1 });
    model.controller.register(1, {
      incarnation: 50,
      lostRecords: [
        { topicName: 't', topicId: uuidZero, partitions: [{ partitionIndex: 0, leaderEpoch: 0 }] },
      ],
    });
    expect(model.controller.partition('t').formerIsr).toEqual([
      { brokerId: 1, leaderEpoch: 0, hasLostRecords: true },
    ]);
  });
});

const id = fc.constantFrom(1, 2, 3);
type Act = (model: Model) => void;
const act: fc.Arbitrary<{ toString(): string; run: Act }> = fc.oneof(
  named('write', fc.constant(0), () => (model) => model.write()),
  named(
    'kill',
    fc.tuple(id, fc.boolean()),
    ([one, isFenced]) =>
      (model) =>
        model.kill(one, isFenced),
  ),
  named('kill all', fc.boolean(), (isFenced) => (model) => {
    for (const one of [1, 2, 3]) model.kill(one, isFenced);
    model.failOver();
  }),
  named('start', id, (one) => (model) => model.start(one)),
  named('damaged', fc.tuple(id, fc.nat(6), fc.integer({ min: 1, max: 9 })), ([one, at, count]) => (model) => {
    model.start(one, { at, count });
  }),
  named('follow', id, (one) => (model) => model.follow(one)),
  named('fail over', fc.constant(0), () => (model) => model.failOver()),
  named('beat', id, (one) => (model) => {
    if (model.alive.has(one)) model.controller.beat(one);
  }),
  named('session ends', id, (one) => (model) => {
    model.fence(one);
  }),
);

function named<T>(name: string, input: fc.Arbitrary<T>, make: (value: T) => Act) {
  return input.map((value) => ({ toString: () => `${name}(${JSON.stringify(value)})`, run: make(value) }));
}

test.each([
  [true, 2],
  [true, 1],
  [false, 2],
  [false, 1],
])(
  'no replica without loss has more acknowledged records than the leader (ELR: %s, min.insync.replicas: %i)',
  (elr, minIsr) => {
    fc.assert(
      fc.property(fc.array(act, { minLength: 1, maxLength: 40 }), (acts) => {
        const model = new Model(elr, minIsr);
        for (const { run } of acts) {
          run(model);
          model.check();
        }
      }),
      { numRuns: Number(process.env.NR ?? 1000) },
    );
  },
  60_000,
);
