/**
 * Each transcript in test/raft/transcripts/ is a list of commands to a quorum, with the recorded state after each command. The
 * test runs the commands and compares. `UPDATE_TRANSCRIPTS=1 npx vitest run test/raft/transcripts.test.ts` records them again;
 * commit a difference only when you know what caused it.
 *
 * The commands:
 *
 *   nodes N [dynamic K] | status
 *   elect ID | timeout ID | tick ID | wait MS | stabilize [IDs]
 *   propose ID text | read ID | snapshot ID upTo | plant ID epochs… hw N | retire ID
 *   add LEADER ID | remove LEADER ID [old] | upgrade LEADER | voters
 *   claim FROM TO EPOCH (a heartbeat, which FROM need not have sent as leader)
 *   deliver FROM TO | drop FROM TO | repeat FROM TO | linkup ID peer | linkdown ID peer
 *   persist ID | persistone ID | crash ID | restart ID | wipe ID
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { nodeId } from '../../src/base/ids.ts';
import { uuidZero } from '../../src/base/uuid.ts';
import { describeTransit, directoryOf, type InTransit, Puppets } from './puppet.ts';

const directory = new URL('./transcripts/', import.meta.url).pathname;

type Command = (
  quorum: Puppets,
  numbers: readonly number[],
  words: readonly string[],
  lines: string[],
) => void;

/** After these commands, the transcript does not print the state of the nodes. */
const quiet = new Set(['deliver', 'drop', 'repeat', 'voters', 'wait']);

function between(from: number | undefined, to: number | undefined): (one: InTransit) => boolean {
  return (one) => one.from === from && one.to === to;
}

function snapshot(quorum: Puppets, id: number, endOffset: number): void {
  const { state } = quorum.core(id);
  const meta = { endOffset, epoch: state.log.epochAt(endOffset - 1), voters: state.voters.before(endOffset) };
  const node = quorum.node(id);
  node.disk = { ...node.disk, snapshot: { meta, bytes: new Uint8Array(8) } };
  quorum.input(id, { type: 'snapshotSaved', meta });
}

const commands: Readonly<Record<string, Command>> = {
  plant: (quorum, [id = 0, ...rest], words) => {
    const epochCount = words.indexOf('hw') - 1;
    quorum.plant(id, rest.slice(0, epochCount), rest[epochCount + 1]);
  },
  timeout: (quorum, [id = 0]) => quorum.timeout(id),
  elect: (quorum, [id = 0]) => quorum.elect(id),
  stabilize: (quorum, ids, _, lines) =>
    quorum.stabilize(ids.length > 0 ? ids : quorum.ids, (what) => lines.push(what)),
  persist: (quorum, [id = 0], _, lines) => {
    if (!quorum.persist(id)) lines.push('nothing to write');
  },
  persistone: (quorum, [id = 0], _, lines) => {
    if (!quorum.persistOne(id)) lines.push('nothing to write');
  },
  deliver: (quorum, [from, to], _, lines) => {
    const one = quorum.deliver(between(from, to));
    lines.push(one === null ? 'nothing in transit' : describeTransit(one));
  },
  claim: (quorum, [from = 0, to = 0, epoch = 0], _, lines) => {
    const offsets = { match: 0, highWatermark: 0, round: 0 };
    const message = { type: 'heartbeat', epoch, directoryId: uuidZero, reply: false, ...offsets } as const;
    const sender = { id: nodeId(from), directoryId: directoryOf(from) };
    quorum.input(to, { type: 'message', from: sender, message });
    lines.push(...quorum.refused.splice(0));
  },
  drop: (quorum, [from, to], _, lines) => {
    const fits = between(from, to);
    for (const one of quorum.transit.filter(fits)) lines.push(`lost: ${describeTransit(one)}`);
    quorum.transit.splice(0, Number.POSITIVE_INFINITY, ...quorum.transit.filter((one) => !fits(one)));
  },
  propose: (quorum, [id = 0], words, lines) => {
    quorum.propose(id, words.slice(1).join(' '));
    lines.push(...quorum.refused.splice(0));
  },
  crash: (quorum, [id = 0]) => quorum.crash(id),
  restart: (quorum, [id = 0]) => quorum.restart(id),
  linkdown: (quorum, [id = 0, peer = 0]) => quorum.input(id, { type: 'linkDown', peer: nodeId(peer) }),
  retire: (quorum, [id = 0]) => quorum.input(id, { type: 'retire' }),
  snapshot: (quorum, [id = 0, endOffset = 0]) => snapshot(quorum, id, endOffset),
  linkup: (quorum, [id = 0, peer = 0]) => quorum.input(id, { type: 'linkUp', peer: nodeId(peer) }),
  add: (quorum, [leader = 0, id = 0], _, lines) => {
    quorum.change(leader, { kind: 'add', voter: quorum.voter(id) });
    lines.push(...quorum.refused.splice(0));
  },
  remove: (quorum, [leader = 0, id = 0], words, lines) => {
    const voter = words[2] === 'old' ? { id: nodeId(id), directoryId: directoryOf(id) } : quorum.replica(id);
    quorum.change(leader, { kind: 'remove', voter });
    lines.push(...quorum.refused.splice(0));
  },
  upgrade: (quorum, [leader = 0], _, lines) => {
    quorum.change(leader, { kind: 'upgrade' });
    lines.push(...quorum.refused.splice(0));
  },
  read: (quorum, [id = 0], _, lines) => {
    quorum.input(id, { type: 'readBarrier', ticket: 0 });
    lines.push(...quorum.refused.splice(0));
  },
  wipe: (quorum, [id = 0]) => quorum.wipe(id),
  wait: (quorum, [durationMs = 0]) => {
    quorum.nowMs += durationMs;
  },
  tick: (quorum, [id = 0]) => {
    quorum.input(id, { type: 'tick' });
  },
  repeat: (quorum, [from, to], _, lines) => {
    const one = quorum.transit.find(between(from, to));
    if (one === undefined) return;
    quorum.transit.push({ ...one });
    lines.push(`twice: ${describeTransit(one)}`);
  },
  voters: (quorum, _, __, lines) => {
    for (const id of quorum.ids.filter((one) => quorum.node(one).alive)) {
      const { current } = quorum.core(id).state.voters;
      const names = current.map(
        (one) => `${one.id}${one.directoryId === uuidZero ? '' : `@${one.directoryId.slice(0, 1)}`}`,
      );
      lines.push(`${id} knows voters ${names.join(' ')}`);
    }
  },
  status: () => {},
};

function newQuorum([count = 0, _, initialCount]: readonly number[], words: readonly string[]): Puppets {
  return new Puppets(count, { trailingEntries: 0 }, words[1] === 'dynamic', initialCount ?? count);
}

function run(quorum: Puppets | null, line: string): { quorum: Puppets; lines: string[] } {
  const [verb = '', ...words] = line.split(' ');
  const numbers = words.map(Number);
  const target = verb === 'nodes' ? newQuorum(numbers, words) : quorum;
  if (target === null) throw new Error('begin with nodes');
  const lines: string[] = [];
  if (verb !== 'nodes') {
    const command = commands[verb];
    if (command === undefined) throw new Error(`unknown command '${line}'`);
    command(target, numbers, words, lines);
    lines.push(...target.reads.splice(0).map((read) => `read answered by ${read}`));
    if (!quiet.has(verb)) lines.push(...target.ids.map((id) => target.status(id)));
  }
  return { quorum: target, lines };
}

function replay(recorded: string): string {
  const out: string[] = [];
  let quorum: Puppets | null = null;
  for (const line of recorded.split('\n')) {
    if (line.startsWith('#') || line === '') out.push(line);
    if (!line.startsWith('> ')) continue;
    out.push(line);
    const result = run(quorum, line.slice(2));
    quorum = result.quorum;
    out.push(...result.lines.map((text) => `  ${text}`));
  }
  return out.join('\n');
}

describe('transcripts', () => {
  for (const name of readdirSync(directory).filter((file) => file.endsWith('.txt'))) {
    test(name, () => {
      const recorded = readFileSync(directory + name, 'utf8');
      const replayed = replay(recorded);
      if (process.env['UPDATE_TRANSCRIPTS'] === '1') writeFileSync(directory + name, replayed);
      else expect(replayed).toBe(recorded);
    });
  }
});
