/** The entry points of the package whose public surface is checked, and their files. */
export const entries = { testing: 'src/testing/kafka/index.ts', vitest: 'src/testing/vitest/index.ts' };
