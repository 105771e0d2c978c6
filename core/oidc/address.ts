/** Hosts that mean this machine or a private network. No I/O: nothing is resolved. */

/** First octets, as many bits as are given (RFC 6890). */
const privateRanges: readonly (readonly [address: string, bits: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
];

/**
 * Whether a host, as `URL.hostname` writes it, can be seen to be no public one: an address of a private range, a name
 * without a dot, `localhost`, or a Service of the cluster. A name may still resolve to anything.
 */
export function isPrivateHost(hostname: string): boolean {
  if (hostname.startsWith('[')) return isPrivateAddress6(hostname.slice(1, -1));
  const address = parseAddress4(hostname);
  if (address !== undefined) return isPrivateAddress4(address);
  const name = hostname.replace(/\.$/, '');
  return !name.includes('.') || /\.(localhost|svc|local)$/.test(name) || name.includes('.svc.');
}

function parseAddress4(text: string): number | undefined {
  const octets = text.split('.');
  if (octets.length !== 4 || !octets.every((octet) => /^[0-9]{1,3}$/.test(octet) && Number(octet) < 256))
    return undefined;
  return octets.reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

const isPrivateAddress4 = (address: number): boolean =>
  privateRanges.some(([text, bits]) => {
    const size = 2 ** (32 - bits);
    return Math.floor(address / size) === Math.floor((parseAddress4(text) ?? 0) / size);
  });

/** Global unicast is 2000::/3; what embeds an IPv4 address is no better than that. */
function isPrivateAddress6(text: string): boolean {
  const [head = ''] = text.split(':');
  const first = Number.parseInt(head === '' ? '0' : head, 16);
  const isGlobal = first >= 0x2000 && first < 0x4000;
  // 6to4 and Teredo (RFC 3056, RFC 4380) lead to an IPv4 address that is not looked at here.
  return !isGlobal || first === 0x2002 || /^2001:(0{0,4}:|:)/.test(text);
}
