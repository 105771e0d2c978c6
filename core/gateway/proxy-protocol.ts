/**
 * The header by which a load balancer says where a connection comes from: versions 1 and 2 of the PROXY protocol
 * (https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt). Whoever may reach the port could write one, so it is
 * read from configured addresses alone. No I/O.
 */
import { maxProxyHeaderBytes } from '../../api/limits/gateway.ts';
import { parseAddress } from '../ip-address.ts';

export interface Source {
  readonly address: string;
  readonly port: number;
}

export type ProxyHeader =
  /** More bytes may make it whole. */
  | { readonly kind: 'partial' }
  /** What follows the first `length` bytes is the client's. `source` is absent where the proxy speaks for itself. */
  | { readonly kind: 'whole'; readonly length: number; readonly source?: Source }
  | { readonly kind: 'malformed' };

const partial: ProxyHeader = { kind: 'partial' };
const malformed: ProxyHeader = { kind: 'malformed' };

export function parseProxyHeader(bytes: Uint8Array): ProxyHeader {
  if (startsAlike(bytes, signature2)) return bytes.length < headBytes2 ? partial : parseVersion2(bytes);
  return startsAlike(bytes, signature1) ? parseVersion1(bytes) : malformed;
}

const signature1 = new TextEncoder().encode('PROXY ');
const signature2 = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);

/** As far as both go. */
const startsAlike = (bytes: Uint8Array, signature: Uint8Array): boolean =>
  signature.every((byte, index) => index >= bytes.length || bytes[index] === byte);

/** With the CRLF (2.1). */
const maxLineBytes = 107;

function parseVersion1(bytes: Uint8Array): ProxyHeader {
  const end = bytes.subarray(0, maxLineBytes).indexOf(0x0a);
  if (end < 0) return bytes.length < maxLineBytes ? partial : malformed;
  const line = new TextDecoder('latin1').decode(bytes.subarray(0, end + 1));
  if (!line.endsWith('\r\n')) return malformed;
  const length = end + 1;
  if (/^PROXY UNKNOWN(?: |\r)/.test(line)) return { kind: 'whole', length };
  const source = parseLine(line.slice(0, -2));
  return source === undefined ? malformed : { kind: 'whole', length, source };
}

function parseLine(line: string): Source | undefined {
  const [, family, from = '', to = '', fromPort, toPort, ...more] = line.split(' ');
  const version = family === 'TCP4' ? 4 : family === 'TCP6' ? 6 : undefined;
  const [port, otherPort] = [parsePort(fromPort), parsePort(toPort)];
  const isGood = more.length === 0 && [from, to].every((address) => parseAddress(address)?.version === version);
  return version === undefined || !isGood || port === undefined || otherPort === undefined
    ? undefined
    : { address: from, port };
}

const parsePort = (text = ''): number | undefined =>
  /^(?:0|[1-9][0-9]{0,4})$/.test(text) && Number(text) <= 0xffff ? Number(text) : undefined;

const headBytes2 = 16;
const COMMAND = { local: 0x20, proxy: 0x21 } as const;
const FAMILY = { unspecified: 0x00, tcp4: 0x11, tcp6: 0x21 } as const;

function parseVersion2(bytes: Uint8Array): ProxyHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [command, family, length] = [view.getUint8(12), view.getUint8(13), headBytes2 + view.getUint16(14)];
  if (length > maxProxyHeaderBytes) return malformed;
  if (command !== COMMAND.local && command !== COMMAND.proxy) return malformed;
  if (bytes.length < length) return partial;
  if (command === COMMAND.local || family === FAMILY.unspecified) return { kind: 'whole', length };
  const source = readSource(family, bytes.subarray(headBytes2, length));
  return source === undefined ? malformed : { kind: 'whole', length, source };
}

/** Source address, destination address, source port, destination port; TLVs may follow. */
function readSource(family: number, block: Uint8Array): Source | undefined {
  const size = family === FAMILY.tcp4 ? 4 : family === FAMILY.tcp6 ? 16 : undefined;
  if (size === undefined || block.length < 2 * size + 4) return undefined;
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const address =
    size === 4
      ? block.subarray(0, 4).join('.')
      : Array.from({ length: 8 }, (_, group) => view.getUint16(2 * group).toString(16)).join(':');
  return { address, port: view.getUint16(2 * size) };
}
