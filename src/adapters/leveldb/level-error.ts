/**
 * Finds out what an error of LevelDB means. The code of the error only says that an operation failed (`LEVEL_IO_ERROR`, or
 * `LEVEL_DATABASE_NOT_OPEN` with a cause). The reason is in the message, in the words of the C library.
 */
/**
 * LevelDB cannot use its files: the disk failed, or another process has locked them. This is not a `StorageError`, because a
 * node with several log directories continues without the failed one, but it cannot continue without the metadata log.
 */
export class MetadataDiskError extends Error {
  override readonly name = 'MetadataDiskError';
  /** The code of the system's error, such as `ENOSPC` or `EIO`; `ELOCKED` when another process has the lock. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

interface LevelError {
  readonly code?: string;
  readonly message?: string;
  readonly cause?: LevelError;
}

/** The code for each message of the C library. `telemetry/remedies.ts` has a remedy for each code. */
const codes: readonly (readonly [words: RegExp, code: string])[] = [
  [/No space left on device|not enough space on the disk/, 'ENOSPC'],
  [/quota exceeded/i, 'EDQUOT'],
  [/Read-only file system/, 'EROFS'],
  [/Permission denied|Operation not permitted|Access is denied/, 'EACCES'],
  [/Too many open files/, 'EMFILE'],
  [/Input\/output error/, 'EIO'],
];

function causeOf(error: unknown): LevelError {
  const { cause, ...own } = error as LevelError;
  return cause ?? { ...own, message: (error as Error).message };
}

/** Whether LevelDB reports damaged, missing or truncated files. */
export function isLevelDamage(error: unknown): boolean {
  const { code, message } = causeOf(error);
  return code === 'LEVEL_CORRUPTION' || /No such file|Invalid argument/.test(message ?? '');
}

/** Returns LevelDB's description of the error. */
export function levelWords(error: unknown): string {
  const { message } = causeOf(error);
  return message === undefined || message === '' ? 'LevelDB reports corruption' : message;
}

/**
 * Returns a `MetadataDiskError` that names the directory when the disk or another process caused the error. Otherwise returns
 * the error itself.
 */
export function diskErrorOf(error: unknown, directory: string): unknown {
  const { code = '', message = '' } = causeOf(error);
  if (code === 'LEVEL_LOCKED')
    return new MetadataDiskError(
      'ELOCKED',
      `another process uses the metadata log in ${directory} (${message})`,
    );
  if (code !== 'LEVEL_IO_ERROR') return error;
  const system = codes.find(([words]) => words.test(message))?.[1] ?? 'EIO';
  return new MetadataDiskError(system, `the metadata log in ${directory}: ${message}`);
}
