/** This release, as package.json says it (a test compares them); sent to peers and logged. */
export const release = '0.1.0';
