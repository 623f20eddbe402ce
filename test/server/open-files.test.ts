/** How a node divides the number of files that its process may open between log files and connections. */
import { expect, test } from 'vitest';
import { openFileShares } from '../../src/server/open-files.ts';

test('logs and connections share the files that a process may open', () => {
  const both = { isBroker: true, isController: true };
  expect(openFileShares(null, both).logFilesMax).toBeNull();
  for (const limit of [100, 1_024, 20_000, 1_000_000]) {
    const of = openFileShares(limit, both);
    const taken = of.brokerConnectionsMax + of.controllerConnectionsMax + (of.logFilesMax as number);
    expect(taken).toBeLessThanOrEqual(limit - Math.min(2_000, limit / 8));
    expect(of.controllerConnectionsMax).toBeGreaterThanOrEqual(limit / 16);
    const broker = openFileShares(limit, { isBroker: true, isController: false });
    expect(broker.brokerConnectionsMax).toBe(of.brokerConnectionsMax + of.controllerConnectionsMax);
    const controller = openFileShares(limit, { isBroker: false, isController: true });
    expect(controller.controllerConnectionsMax).toBe(broker.brokerConnectionsMax);
  }
});
