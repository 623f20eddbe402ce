/**
 * Checks whether a broker's process is running: a connection to the address of a process that has ended is refused. For
 * a suspended process the operating system still accepts connections, so it does not count as ended.
 */
import type { NodeId } from '../../base/ids.ts';
import type { Network } from '../../base/network.ts';
import type { MetadataImage } from '../../metadata/image.ts';

const probeTimeoutMs = 1000;

export interface BrokerProbeOptions {
  readonly network: Network;
  readonly image: () => MetadataImage;
  /** The inter-broker listener; a broker without a listener of that name is probed at its first one. */
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
