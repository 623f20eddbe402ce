/** Version ranges in the notation of Kafka's message definitions: `3`, `3+`, `3-7`, `none`. Both ends belong to the range. */

export type Versions = `${number}+` | `${number}-${number}` | `${number}` | 'none';

export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

/** The upper end of a range without an end, such as `3+`. */
export const versionMax = 32767;
/** The range that contains no version. */
export const noVersions: VersionRange = { min: 0, max: -1 };
export const allVersions: VersionRange = { min: 0, max: versionMax };

export function parseVersions(text: Versions): VersionRange {
  if (text === 'none') return noVersions;
  const match = /^(\d+)(\+|-(\d+))?$/.exec(text);
  if (match === null) throw new TypeError(`'${text}' is not a version range`);
  const min = Number(match[1]);
  if (match[2] === undefined) return { min, max: min };
  return { min, max: match[2] === '+' ? versionMax : Number(match[3]) };
}

export function inVersions(range: VersionRange, version: number): boolean {
  return version >= range.min && version <= range.max;
}
