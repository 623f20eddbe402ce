/**
 * Parses listeners in the properties of a container. It skips an entry that it cannot parse; the node will refuse that entry
 * when it starts.
 */

export interface PlannedListener {
  readonly name: string;
  /** As it is written in the property: an IPv6 address is in brackets, and an empty host means every address. */
  readonly host: string;
  readonly port: number;
}

export function listenersOf(text: string): PlannedListener[] {
  return text.split(',').flatMap((entry) => {
    const match = /^\s*([^:\s]+):\/\/(\[[^\]]*\]|[^:]*):(\d+)\s*$/.exec(entry);
    return match === null
      ? []
      : [{ name: match[1] as string, host: match[2] as string, port: Number(match[3]) }];
  });
}

/**
 * Returns the security protocol of a listener, in upper case: that of `listener.security.protocol.map`, otherwise the
 * listener's own name.
 */
export function protocolOf(listener: string, protocolMap: string): string {
  for (const pair of protocolMap.split(',')) {
    const [name, protocol] = pair.split(':').map((word) => word.trim().toUpperCase());
    if (name === listener.toUpperCase()) return protocol ?? '';
  }
  return listener.toUpperCase();
}
