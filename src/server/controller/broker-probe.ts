/**
 * Checks whether a broker's process is running: when it is not, a connection to its address is refused. A process that only stands
 * still is connected to by the system, so it is not taken for dead.
 */
import type { NodeId } from '../../base/ids.ts';
import type { Network } from '../../base/network.ts';
import type { MetadataImage } from '../../metadata/image.ts';

const probeTimeoutMs = 1000;

export interface BrokerProbeOptions {
  readonly network: Network;
  readonly image: () => MetadataImage;
  /** The listener brokers use among each other; the first of the broker when it has none of that name. */
  readonly listenerName: string;
}

export function brokerProbe(options: BrokerProbeOptions): (id: NodeId) => Promise<boolean> {
  return async (id) => {
    const endpoints = options.image().cluster.brokers.get(id)?.endpoints ?? [];
    const endpoint = endpoints.find((one) => one.name === options.listenerName) ?? endpoints[0];
    if (endpoint === undefined) return true;
    try {
      const connection = await options.network.connect(endpoint, probeTimeoutMs);
      connection.onClose = () => {};
      connection.onData = () => {};
      connection.destroy();
      return true;
    } catch {
      return false;
    }
  };
}
