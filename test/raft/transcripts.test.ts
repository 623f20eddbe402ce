/**
 * Transcripts: commands and what they led to, recorded. `UPDATE_TRANSCRIPTS=1 npx vitest run test/raft/transcripts.test.ts`
 * records anew; commit a difference only when you know what caused it.
 *
 *   nodes N | plant ID epochs… hw N | timeout ID | stabilize [IDs] | persist ID | deliver FROM TO | drop FROM TO
 *   propose ID text | crash ID | restart ID | linkdown ID peer | retire ID | snapshot ID upTo | status
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { nodeId } from '../../src/base/ids.ts';
import { describeTransit, type InTransit, Puppets } from './puppet.ts';

const directory = new URL('./transcripts/', import.meta.url).pathname;

type Command = (
  quorum: Puppets,
  numbers: readonly number[],
  words: readonly string[],
  lines: string[],
) => void;

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
  stabilize: (quorum, ids, _, lines) =>
    quorum.stabilize(ids.length > 0 ? ids : quorum.ids, (what) => lines.push(what)),
  persist: (quorum, [id = 0], _, lines) => {
    if (!quorum.persist(id)) lines.push('nothing to write');
  },
  deliver: (quorum, [from, to], _, lines) => {
    const one = quorum.deliver(between(from, to));
    lines.push(one === null ? 'nothing in transit' : describeTransit(one));
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
  status: () => {},
};

function run(quorum: Puppets | null, line: string): { quorum: Puppets; lines: string[] } {
  const [verb = '', ...words] = line.split(' ');
  const numbers = words.map(Number);
  const target = verb === 'nodes' ? new Puppets(numbers[0] ?? 0, { trailingEntries: 0 }) : quorum;
  if (target === null) throw new Error('begin with nodes');
  const lines: string[] = [];
  if (verb !== 'nodes') {
    const command = commands[verb];
    if (command === undefined) throw new Error(`unknown command '${line}'`);
    command(target, numbers, words, lines);
    if (verb !== 'deliver' && verb !== 'drop') lines.push(...target.ids.map((id) => target.status(id)));
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
