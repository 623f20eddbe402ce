/** This release; the same as in package.json (a test compares them). Sent to peers and logged. */
export const release = '0.1.0';
