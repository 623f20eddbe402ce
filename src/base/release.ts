/** This release, as package.json says it (a test compares them); told to peers and in logs. */
export const release = '0.1.0';
