/** What a person needs to read of an error that ended the start: what happened, then what to do about it. */

interface SystemError {
  readonly code?: unknown;
  readonly path?: unknown;
  readonly port?: unknown;
}

/** Remedies by the code of a system error. */
const remedies: Readonly<Record<string, string>> = {
  EADDRINUSE:
    'Another process, perhaps this node started before, listens there: stop it, or give this node other ports in listeners (and the same in advertised.listeners and controller.quorum.voters).',
  EADDRNOTAVAIL:
    'The host in listeners is not an address of this machine: leave it out to listen on every address, and name the address that clients use in advertised.listeners.',
  EACCES:
    'The user of this process may not do that: give it the directories of log.dirs, and take ports from 1024 on.',
  EMFILE:
    'This process may open no more files: raise the limit, for example with ulimit -n 100000, LimitNOFILE= of a systemd unit, or ulimits of a Compose file (docs/ops/sizing.md).',
  ENOSPC:
    'The disk is full: free space or move a directory of log.dirs to a larger disk; nothing that was acknowledged is lost.',
  EROFS: 'The file system is read-only: log.dirs must name directories that can be written.',
};

export function startFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as SystemError;
  const remedy = typeof code === 'string' ? remedies[code] : undefined;
  if (remedy === undefined) return error.message;
  // Scripts look for Java's words.
  const what = code === 'EADDRINUSE' ? `Address already in use (${error.message})` : error.message;
  return `${what}. ${remedy}`;
}
