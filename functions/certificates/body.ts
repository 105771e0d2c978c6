/** Reads a JSON body that may be of any size and kind. */
import { maxRequestBodyBytes } from '../../api/limits.ts';
import { err, ok, type Result } from '../../core/result.ts';

/** The whole body, or `too_large` as soon as that is known: what follows is then not read. */
export async function readBody(request: Request): Promise<Result<Uint8Array, 'too_large'>> {
  if (Number(request.headers.get('content-length')) > maxRequestBodyBytes) return err('too_large');
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxRequestBodyBytes) return err('too_large');
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
    return ok(JSON.parse(utf8.decode(bytes)));
  } catch {
    return err('not_json');
  }
}

/** `application/json`, with nothing beside it but UTF-8 (RFC 8259, 8.1). */
export const isJson = (contentType: string): boolean =>
  /^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i.test(contentType);
