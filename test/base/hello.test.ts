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

describe('a hello between nodes', () => {
  test('is accepted from a node of the same cluster', () => {
    expect(fault({})).toBe('none');
    expect(fault({ wantedNodeId: -1 })).toBe('none');
    expect(fault({}, 2)).toBe('none');
  });

  test('is refused from another cluster', () => {
    expect(fault({ clusterId: 'other' })).toMatch(
      /node 2 belongs to cluster other, this node to test-cluster/,
    );
    expect(fault({ clusterId: '' })).toMatch(/belongs to cluster/);
  });

  test('is refused only when the two sides have no version of the protocol in common', () => {
    expect(fault({ versionMin: versionMax + 1, versionMax: versionMax + 2 })).toMatch(/speaks versions/);
    expect(fault({ versionMin: 0, versionMax: versionMin - 1 })).toMatch(/speaks versions/);
    expect(fault({ versionMin: versionMax, versionMax: versionMax + 9 })).toBe('none');
    expect(fault({ versionMin: 0, versionMax: versionMin })).toBe('none');
  });

  test("is refused when its sender's or its receiver's address now belongs to another node", () => {
    expect(fault({}, 3)).toMatch(/node 2 answers where node 3 is configured/);
    expect(fault({ nodeId: nodeId(3) }, 2)).toMatch(/node 3 answers/);
    expect(fault({ wantedNodeId: 9 })).toMatch(/looks for node 9, this is node 1/);
    expect(fault({ wantedNodeId: 0 })).toMatch(/looks for node 0/);
  });

  test('is refused without a directory id', () => {
    expect(fault({ directoryId: 'none' as Hello['directoryId'] })).toMatch(/names no directory id/);
  });
});
