/** Hosts and addresses that mean this machine or a private network. No I/O: nothing is resolved. */
import { parse4, parse6 } from '../ip-address.ts';

type Range = readonly [address: string, bits: number];

/** What is not global by the registry of RFC 6890, and multicast. */
const private4: readonly Range[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];

/** Of the global unicast space 2000::/3: Teredo, ORCHID and the like, documentation, 6to4, documentation again. */
const private6: readonly Range[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

/**
 * Whether a host, as `URL.hostname` writes it, can be seen to be no public one: an address of a private range, a name
 * without a dot, `localhost`, or a Service of the cluster. A name may still resolve to anything.
 */
export function isPrivateHost(hostname: string): boolean {
  const literal = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  if (literal.includes(':') || parse4(literal) !== undefined) return isPrivateAddress(literal);
  const name = hostname.replace(/\.$/, '');
  return !name.includes('.') || /\.(localhost|svc|local|internal)$/.test(name) || name.includes('.svc.');
}

/** Whether nobody should connect to an IP address for a stranger. What is no address is private. */
export function isPrivateAddress(text: string): boolean {
  const address4 = parse4(text);
  if (address4 !== undefined) return isWithin(private4, address4, { parse: parse4, bits: 32 });
  const address6 = parse6(text);
  // Whatever leads to an IPv4 address by way of another prefix (mapped, NAT64, compatible) is outside of 2000::/3.
  return (
    address6 === undefined || address6 >> 125n !== 1n || isWithin(private6, address6, { parse: parse6, bits: 128 })
  );
}

interface Family {
  readonly parse: (text: string) => bigint | undefined;
  readonly bits: number;
}

const isWithin = (ranges: readonly Range[], address: bigint, { parse, bits }: Family): boolean =>
  ranges.some(([start, length]) => {
    const rest = BigInt(bits - length);
    return address >> rest === (parse(start) ?? 0n) >> rest;
  });
