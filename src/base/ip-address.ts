/** Converts the text of an IP address to one form, so that two texts of the same address are equal. */

/**
 * Returns the one text of an address: an IPv6 address without `::` and leading zeros, an IPv4-mapped one as IPv4. Null when the
 * text is not an IP address.
 */
export function canonicalAddress(text: string): string | null {
  return isIpv4(text) ? text : canonicalIpv6(text.toLowerCase());
}

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

const mappedPrefix = '0:0:0:0:0:ffff:';

function canonicalIpv6(text: string): string | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [head, tail] = halves.map((half, at) => groupsOf(half, at === halves.length - 1));
  if (head === undefined || head === null || tail === null) return null;
  const given = head.length + (tail?.length ?? 0);
  if (tail === undefined ? given !== 8 : given > 7) return null;
  const groups = [...head, ...Array.from({ length: 8 - given }, () => 0), ...(tail ?? [])];
  const full = groups.map((group) => group.toString(16)).join(':');
  if (!full.startsWith(mappedPrefix)) return full;
  const [high = 0, low = 0] = groups.slice(6);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/**
 * Returns the 16-bit groups on one side of `::`; null when they are not valid. At the end of the address (`isEnd`) the last 32
 * bits may be written as IPv4.
 */
function groupsOf(text: string, isEnd: boolean): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [at, part] of parts.entries()) {
    if (isEnd && at === parts.length - 1 && isIpv4(part)) {
      const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number);
      groups.push((a << 8) | b, (c << 8) | d);
    } else if (/^[0-9a-f]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return null;
  }
  return groups;
}
