/**
 * Checks whether a broker's process has ended, by a connection to its address: the machine of a process that has ended refuses
 * the connection. When the connection fails in another way, or takes longer than a second, the process also counts as ended. A
 * suspended process does not, because its operating system still accepts connections for it.
 */
import type { NodeId } from '../../base/ids.ts';
import type { Network } from '../../base/network.ts';
import type { MetadataImage } from '../../metadata/image.ts';

const probeTimeoutMs = 1000;

export interface BrokerProbeOptions {
  readonly network: Network;
  readonly image: () => MetadataImage;
  /** The name of the inter-broker listener. A broker without a listener of that name is probed at its first listener. */
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
