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
import { describeTransit, Puppets } from './puppet.ts';

const directory = new URL('./transcripts/', import.meta.url).pathname;

function run(quorum: Puppets | null, command: string): { quorum: Puppets; lines: string[] } {
  const [verb, ...words] = command.split(' ');
  const numbers = words.map(Number);
  const [first = 0, second = 0] = numbers;
  if (verb === 'nodes') return { quorum: new Puppets(first, { trailingEntries: 0 }), lines: [] };
  if (quorum === null) throw new Error('begin with nodes');
  const lines: string[] = [];
  const fits = ({ from, to }: { from: number; to: number }): boolean => from === first && to === second;
  switch (verb) {
    case 'plant':
      quorum.plant(first, numbers.slice(1, words.indexOf('hw')), numbers[words.indexOf('hw') + 1]);
      break;
    case 'timeout':
      quorum.timeout(first);
      break;
    case 'stabilize':
      quorum.stabilize(numbers.length > 0 ? numbers : quorum.ids, (what) => lines.push(what));
      break;
    case 'persist':
      if (!quorum.persist(first)) lines.push('nothing to write');
      break;
    case 'deliver': {
      const one = quorum.deliver(fits);
      lines.push(one === null ? 'nothing in transit' : describeTransit(one));
      break;
    }
    case 'drop':
      for (let at = quorum.transit.findIndex(fits); at >= 0; at = quorum.transit.findIndex(fits)) {
        for (const one of quorum.transit.splice(at, 1)) lines.push(`lost: ${describeTransit(one)}`);
      }
      break;
    case 'propose':
      quorum.propose(first, words.slice(1).join(' '));
      lines.push(...quorum.refused.splice(0));
      break;
    case 'crash':
      quorum.crash(first);
      break;
    case 'restart':
      quorum.restart(first);
      break;
    case 'linkdown':
      quorum.input(first, { type: 'linkDown', peer: nodeId(second) });
      break;
    case 'retire':
      quorum.input(first, { type: 'retire' });
      break;
    case 'snapshot': {
      const { state } = quorum.core(first);
      const meta = {
        endOffset: second,
        epoch: state.log.epochAt(second - 1),
        voters: state.voters.before(second),
      };
      const node = quorum.node(first);
      node.disk = { ...node.disk, snapshot: { meta, bytes: new Uint8Array(8) } };
      quorum.input(first, { type: 'snapshotSaved', meta });
      break;
    }
    case 'status':
      break;
    default:
      throw new Error(`unknown command '${command}'`);
  }
  const quiet = verb === 'deliver' || verb === 'drop';
  if (!quiet) lines.push(...quorum.ids.map((id) => quorum.status(id)));
  return { quorum, lines };
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
