/** Random numbers as a port: from the operating system's cryptographic source in production, from a seed in a simulation. */
export interface Random {
  /** Uniform in [0, 2^32). */
  u32(): number;
  /** `count` random bytes. In production they are suitable for secrets and ids. */
  bytes(count: number): Uint8Array;
}

/** Uniform integer in [0, bound). The bias of the modulo is at most bound / 2^32. */
export function below(random: Random, bound: number): number {
  return bound <= 1 ? 0 : random.u32() % bound;
}
