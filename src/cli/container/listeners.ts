/** Listeners in the properties of a container. Text that cannot be parsed is left for the node, which refuses it. */

export interface PlannedListener {
  readonly name: string;
  /** As written: an IPv6 address has its brackets. Empty: every address. */
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

/** The security protocol of a listener by `listener.security.protocol.map`, else its own name. In upper case. */
export function protocolOf(listener: string, protocolMap: string): string {
  for (const pair of protocolMap.split(',')) {
    const [name, protocol] = pair.split(':').map((word) => word.trim().toUpperCase());
    if (name === listener.toUpperCase()) return protocol ?? '';
  }
  return listener.toUpperCase();
}
