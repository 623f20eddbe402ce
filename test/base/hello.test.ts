import { describe, expect, test } from 'vitest';
import { type Hello, helloFault, helloOf, versionMax, versionMin } from '../../src/base/hello.ts';
import { nodeId } from '../../src/base/ids.ts';
import { identityOf } from '../server/identity.ts';

const here = identityOf(1);
/** Node 2, which means to reach node 1. */
const fitting = helloOf(identityOf(2), 1);

function fault(more: Partial<Hello>, expected: number | null = null): string {
  return helloFault({ ...fitting, ...more }, here, expected) ?? 'none';
}

describe('a hello', () => {
  test('that fits', () => {
    expect(fault({})).toBe('none');
    expect(fault({ wantedNodeId: -1 })).toBe('none');
    expect(fault({}, 2)).toBe('none');
  });

  test('of another cluster is refused', () => {
    expect(fault({ clusterId: 'other' })).toMatch(
      /node 2 belongs to cluster other, this node to test-cluster/,
    );
    expect(fault({ clusterId: '' })).toMatch(/belongs to cluster/);
  });

  test('is refused without a version of the protocol in common, and only then', () => {
    expect(fault({ versionMin: versionMax + 1, versionMax: versionMax + 2 })).toMatch(/speaks versions/);
    expect(fault({ versionMin: 0, versionMax: versionMin - 1 })).toMatch(/speaks versions/);
    expect(fault({ versionMin: versionMax, versionMax: versionMax + 9 })).toBe('none');
    expect(fault({ versionMin: 0, versionMax: versionMin })).toBe('none');
  });

  test('from an address, or for an address, that has a new owner is refused', () => {
    expect(fault({}, 3)).toMatch(/node 2 answers where node 3 is configured/);
    expect(fault({ nodeId: nodeId(3) }, 2)).toMatch(/node 3 answers/);
    expect(fault({ wantedNodeId: 9 })).toMatch(/looks for node 9, this is node 1/);
    expect(fault({ wantedNodeId: 0 })).toMatch(/looks for node 0/);
  });

  test('without a directory id is refused', () => {
    expect(fault({ directoryId: 'none' as Hello['directoryId'] })).toMatch(/names no directory id/);
  });
});
