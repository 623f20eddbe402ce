/** The part of `fs-native-extensions` that we use; the package ships no types. */
declare module 'fs-native-extensions' {
  const native: {
    /** Takes an exclusive lock; false when another descriptor has it. It ends when the descriptor is closed. */
    tryLock(descriptor: number): boolean;
  };
  // eslint-disable-next-line no-restricted-syntax -- the package is CommonJS: that is how its exports are seen
  export default native;
}
