/** Facts about the machine that a process checks before it serves clients: how many files it may open, which names can be resolved. */
import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';

/** Files that this process may open; null where the system does not say (only Linux does, in /proc). */
export function openFilesMax(): number | null {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return found === null ? null : Number(found[1]);
  } catch {
    return null;
  }
}

/** Whether the machine finds an address for `host`. */
export async function canResolve(host: string): Promise<boolean> {
  try {
    await lookup(host);
    return true;
  } catch {
    return false;
  }
}
