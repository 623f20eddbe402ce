/** The number of this release, which nodes send to their peers and log. A test compares it with package.json. */
export const release = '0.1.0';
