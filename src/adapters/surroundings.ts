/** Facts about the machine that a process checks at its start: the limit on open files, and which host names resolve. */
import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';

/** Number of files that this process may open; null where the system does not tell (only Linux does, in /proc). */
export function openFilesMax(): number | null {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return found === null ? null : Number(found[1]);
  } catch {
    return null;
  }
}

/** Whether this machine can resolve the name `host`. */
export async function canResolve(host: string): Promise<boolean> {
  try {
    await lookup(host);
    return true;
  } catch {
    return false;
  }
}
