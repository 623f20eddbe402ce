/** Returns a function that returns random numbers in [0, 1). The same seed gives the same numbers. */
export function randomOf(seed) {
  let state = Number(seed) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}
