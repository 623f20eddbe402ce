/**
 * Random numbers as a port. Production takes them from the operating system's cryptographic source; a simulation derives them
 * from a seed.
 */
export interface Random {
  /** Returns an integer, uniform in [0, 2^32). */
  u32(): number;
  /** `count` random bytes. In production they are suitable for secrets and ids. */
  bytes(count: number): Uint8Array;
}

/** Returns an integer, uniform in [0, bound) but for a bias of at most bound / 2^32. */
export function below(random: Random, bound: number): number {
  return bound <= 1 ? 0 : random.u32() % bound;
}
