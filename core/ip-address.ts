/** IP addresses as text (RFC 791, RFC 4291, 2.2), and networks of them (RFC 4632). No I/O: nothing is resolved. */

export interface IpAddress {
  readonly version: 4 | 6;
  readonly value: bigint;
}

export function parseAddress(text: string): IpAddress | undefined {
  const value4 = parse4(text);
  if (value4 !== undefined) return { version: 4, value: value4 };
  const value6 = parse6(text);
  return value6 === undefined ? undefined : { version: 6, value: value6 };
}

export function parse4(text: string): bigint | undefined {
  const octets = text.split('.');
  if (octets.length !== 4 || !octets.every((octet) => /^[0-9]{1,3}$/.test(octet) && Number(octet) < 256))
    return undefined;
  return octets.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n);
}

/** Without a zone, which means a link. */
export function parse6(text: string): bigint | undefined {
  const [head = '', tail, ...more] = toGroups(text).split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = 8 - left.length - right.length;
  if (more.length > 0 || (tail === undefined ? missing !== 0 : missing < 1)) return undefined;
  const groups = [...left, ...Array<string>(missing).fill('0'), ...right];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

/** An IPv4 address at the end, as two groups. */
function toGroups(text: string): string {
  const start = text.lastIndexOf(':') + 1;
  const address = parse4(text.slice(start));
  if (address === undefined) return text;
  return `${text.slice(0, start)}${(address >> 16n).toString(16)}:${(address & 0xffffn).toString(16)}`;
}

export interface Network extends IpAddress {
  readonly prefixBits: number;
}

const bitsOf = ({ version }: IpAddress): number => (version === 4 ? 32 : 128);

/** `10.0.0.0/8`; undefined for what is none, as with bits set behind the prefix. */
export function parseNetwork(text: string): Network | undefined {
  const [, base = '', prefix] = /^([^/]+)\/(0|[1-9][0-9]{0,2})$/.exec(text) ?? [];
  const address = parseAddress(base);
  const prefixBits = Number(prefix);
  if (address === undefined || prefixBits > bitsOf(address)) return undefined;
  const rest = BigInt(bitsOf(address) - prefixBits);
  return (address.value >> rest) << rest === address.value ? { ...address, prefixBits } : undefined;
}

/** An IPv4 address that a socket for both versions shows as `::ffff:10.0.0.1` is that address. */
export function isWithinAny(networks: readonly Network[], text: string): boolean {
  const address = parseAddress(text.replace(/^::ffff:(?=\d+\.)/i, ''));
  return address !== undefined && networks.some((network) => isWithin(network, address));
}

function isWithin(network: Network, address: IpAddress): boolean {
  const rest = BigInt(bitsOf(network) - network.prefixBits);
  return network.version === address.version && address.value >> rest === network.value >> rest;
}
