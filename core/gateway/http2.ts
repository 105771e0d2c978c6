/**
 * The few frames of HTTP/2 (RFC 9113) by which a gateway holds a client until its worker is there, or refuses it. The
 * rest of HTTP/2 is between client and worker. No I/O.
 */
import { maxRefusalBytes } from '../../api/limits/gateway.ts';

const TYPE = { headers: 1, settings: 4, ping: 6 } as const;
const FLAG = { ack: 1, endStream: 1, endHeaders: 4 } as const;
const headBytes = 9;

/** The default of SETTINGS_MAX_FRAME_SIZE, which is never raised here (6.5.2). */
const maxFrameBytes = 16_384;

const preface = new TextEncoder().encode('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** What a server must send first (3.4). A client takes the connection for ready by it, and a second one is legal. */
export const SETTINGS = makeFrame(TYPE.settings, 0, { stream: 0, payload: new Uint8Array() });
export const SETTINGS_ACK = makeFrame(TYPE.settings, FLAG.ack, { stream: 0, payload: new Uint8Array() });
export const PING = makeFrame(TYPE.ping, 0, { stream: 0, payload: new Uint8Array(8) });

export interface GrpcStatus {
  readonly code: number;
  readonly message: string;
}

/** An answer without a body: one HEADERS frame that ends the stream ("Trailers-Only" of gRPC over HTTP/2). */
export function makeStatus(stream: number, { code, message }: GrpcStatus): Uint8Array {
  const payload = Uint8Array.from([
    indexedStatus200,
    ...encodeField('content-type', 'application/grpc'),
    ...encodeField('grpc-status', String(code)),
    ...encodeField('grpc-message', encodeMessage(message)),
  ]);
  return makeFrame(TYPE.headers, FLAG.endStream | FLAG.endHeaders, { stream, payload });
}

/** Entry 8 of the static table (RFC 7541, A). */
const indexedStatus200 = 0x88;

/** Literal without indexing, new name, no Huffman (RFC 7541, 6.2.2): the state of no decoder changes. */
const encodeField = (name: string, value: string): number[] => [0, ...encodeString(name), ...encodeString(value)];

function encodeString(text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  return [...encodeLength(bytes.length), ...bytes];
}

/** An integer with a prefix of 7 bits (RFC 7541, 5.1). */
function encodeLength(length: number): number[] {
  if (length < 0x7f) return [length];
  const bytes = [0x7f];
  let rest = length - 0x7f;
  for (; rest >= 0x80; rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

/** Percent-encoded outside of printable ASCII, as gRPC asks for, and cut where it grows too long. */
function encodeMessage(message: string): string {
  let encoded = '';
  for (const byte of new TextEncoder().encode(message)) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== percent;
    const next = isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    if (encoded.length + next.length > maxRefusalBytes) break;
    encoded += next;
  }
  return encoded;
}

const percent = 0x25;

function makeFrame(
  type: number,
  flags: number,
  { stream, payload }: { readonly stream: number; readonly payload: Uint8Array },
): Uint8Array {
  const frame = new Uint8Array(headBytes + payload.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, payload.length << 8);
  frame[3] = type;
  frame[4] = flags;
  view.setUint32(5, stream);
  frame.set(payload, headBytes);
  return frame;
}

/** Reads what a client sends, as it arrives, and keeps no more of it than the head of one frame. */
export interface FrameReader {
  /** Streams that the client opens in these bytes; undefined, from then on, where it does not speak HTTP/2. */
  readonly read: (bytes: Uint8Array) => readonly number[] | undefined;
}

export function createFrameReader(): FrameReader {
  let prefaceBytes = 0;
  let payloadLeft = 0;
  const head = new Uint8Array(headBytes);
  let headFilled = 0;
  let isBroken = false;

  /** The stream that a whole head opens. */
  function readHead(): number | undefined {
    const view = new DataView(head.buffer);
    headFilled = 0;
    payloadLeft = view.getUint32(0) >>> 8;
    if (payloadLeft > maxFrameBytes) isBroken = true;
    return head[3] === TYPE.headers ? view.getUint32(5) & 0x7fffffff : undefined;
  }

  /** @returns how many bytes were taken from `offset` on. */
  function step(bytes: Uint8Array, offset: number, streams: number[]): number {
    if (prefaceBytes < preface.length) {
      if (bytes[offset] !== preface[prefaceBytes++]) isBroken = true;
      return 1;
    }
    if (payloadLeft > 0) {
      const taken = Math.min(payloadLeft, bytes.length - offset);
      payloadLeft -= taken;
      return taken;
    }
    head[headFilled++] = bytes[offset] ?? 0;
    const stream = headFilled === headBytes ? readHead() : undefined;
    if (stream !== undefined) streams.push(stream);
    return 1;
  }

  return {
    read: (bytes) => {
      const streams: number[] = [];
      for (let offset = 0; offset < bytes.length && !isBroken;) offset += step(bytes, offset, streams);
      return isBroken ? undefined : streams;
    },
  };
}
