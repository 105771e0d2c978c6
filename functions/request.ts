/** What every function reads of a request: the token, and a body of bounded size. No I/O but the reading of the body. */
import { parseJson as parseJsonText } from '../core/json-text.ts';
import { parseBearer } from '../core/tokens/bearer.ts';
import { err, ok, type Result } from '../core/result.ts';

/** The token of a request; undefined where it shows none. */
export const readBearer = (request: Request): string | undefined => parseBearer(request.headers.get('authorization'));

/** Whether the head says so already: nobody need be asked anything about such a request. */
export const isAnnouncedTooLarge = (request: Request, maxBytes: number): boolean =>
  Number(request.headers.get('content-length')) > maxBytes;

/** The whole body, or `too_large` as soon as that is known: what follows is then not read. */
export async function readBody(request: Request, maxBytes: number): Promise<Result<Uint8Array, 'too_large'>> {
  if (!request.headers.has('content-length')) return await readStream(request, maxBytes);
  if (isAnnouncedTooLarge(request, maxBytes)) return err('too_large');
  // The server holds the sender to what it announced, and reading that whole costs a third of reading a stream.
  const bytes = new Uint8Array(await request.arrayBuffer());
  return bytes.length > maxBytes ? err('too_large') : ok(bytes);
}

async function readStream(request: Request, maxBytes: number): Promise<Result<Uint8Array, 'too_large'>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxBytes) return err('too_large');
    chunks.push(chunk);
  }
  return ok(join(chunks, length));
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = chunks;
  if (only?.length === length) return only;
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

export function parseJson(bytes: Uint8Array): Result<unknown, 'not_json'> {
  try {
    return ok(parseJsonText(utf8.decode(bytes)));
  } catch {
    return err('not_json');
  }
}

/** `application/json`, with nothing beside it but UTF-8 (RFC 8259, 8.1). */
export const isJson = (contentType: string): boolean =>
  /^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i.test(contentType);
