/**
 * Facts about the machine that a node checks at its start: how many files it may open, and which host names can be resolved.
 */
import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';

/** Returns how many files this process may open. Null when the operating system does not tell; only Linux does, in /proc. */
export function openFilesMax(): number | null {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return found === null ? null : Number(found[1]);
  } catch {
    return null;
  }
}

/** Whether this machine can resolve the host name. */
export async function canResolve(host: string): Promise<boolean> {
  try {
    await lookup(host);
    return true;
  } catch {
    return false;
  }
}
