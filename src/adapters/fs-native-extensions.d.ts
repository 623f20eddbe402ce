/** The part of `fs-native-extensions` that we use; the package ships no types. */
declare module 'fs-native-extensions' {
  const native: {
    /**
     * Tries to lock the file of `descriptor` for this process alone. Returns false when another open file descriptor holds the
     * lock. Closing the descriptor releases the lock.
     */
    tryLock(descriptor: number): boolean;
  };
  // A CommonJS module: its exports arrive as the default export.
  // eslint-disable-next-line no-restricted-syntax -- the package has no named exports
  export default native;
}
