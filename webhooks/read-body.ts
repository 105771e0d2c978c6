/** Reads the body of a request as it arrives, and bounds what all unfinished bodies hold together. */
import type { Context } from 'hono';
import { maxQuickBodyBytes, maxQuickBytesAtOnce, reviewRetryAfterSeconds } from '../api/limits/webhooks.ts';
import { err, ok, type Result } from '../core/result.ts';
import { createSemaphore } from '../core/semaphore.ts';

/** A body of which something came. What counts is what it takes, not what it announced. */
interface Arriving {
  bytes: Uint8Array;
  length: number;
  /** Of `bytes`; ahead of them only while they grow. */
  capacity: number;
}

/**
 * A reader of bodies that announce their length, or the HTTP answer where there is no text.
 *
 * When all together take more than that, the largest gives way, of equal ones the oldest: whoever holds much without
 * end keeps nobody else out. What is left of it is read and not kept, so that the connection can carry the next
 * request; how long that may take is up to the server.
 */
export function createBodyReader(maxBytesAtOnce: number): (context: Context) => Promise<Result<string, Response>> {
  const tryAcquireQuick = createSemaphore(maxQuickBytesAtOnce);
  const arriving = new Set<Arriving>();
  let held = 0;

  function drop(body: Arriving): void {
    if (arriving.delete(body)) held -= body.capacity;
    body.bytes = nothing;
  }

  function reserve(body: Arriving, capacity: number): void {
    held += capacity - body.capacity;
    body.capacity = capacity;
    while (held > maxBytesAtOnce) drop(findLargest(arriving));
  }

  function keep(body: Arriving, chunk: Uint8Array, announced: number): void {
    const length = body.length + chunk.length;
    // By doubling, and chunks are not kept themselves: one of a single byte would take hundreds.
    if (length > body.capacity) reserve(body, Math.max(length, Math.min(announced, 2 * body.capacity)));
    if (!arriving.has(body)) return;
    if (body.bytes.length < body.capacity) body.bytes = enlarge(body);
    body.bytes.set(chunk, body.length);
    body.length = length;
  }

  async function readStream({ req }: Context, announced: number): Promise<Result<string, Response>> {
    const body: Arriving = { bytes: nothing, length: 0, capacity: 0 };
    arriving.add(body);
    try {
      for await (const chunk of (req.raw.body ?? []) as AsyncIterable<Uint8Array>) {
        if (arriving.has(body)) keep(body, chunk, announced);
      }
      return arriving.has(body) ? ok(utf8.decode(body.bytes.subarray(0, body.length))) : err(answerBusy());
    } finally {
      drop(body);
    }
  }

  return async (context) => {
    const announced = Number(context.req.header('content-length'));
    const releaseQuick = announced <= maxQuickBodyBytes ? tryAcquireQuick(announced) : undefined;
    try {
      return releaseQuick === undefined ? await readStream(context, announced) : ok(await context.req.text());
    } catch {
      return err(context.text('body: ended early', 400));
    } finally {
      releaseQuick?.();
    }
  };
}

const nothing = new Uint8Array();
const utf8 = new TextDecoder();

const findLargest = (bodies: ReadonlySet<Arriving>): Arriving =>
  bodies.values().reduce((largest, body) => (body.capacity > largest.capacity ? body : largest));

function enlarge({ bytes, capacity }: Arriving): Uint8Array {
  const larger = new Uint8Array(capacity);
  larger.set(bytes);
  return larger;
}

/** To be asked again, which the apiserver does by itself as long as it waits. */
export const answerBusy = (): Response =>
  new Response('busy: too many large reviews at once', {
    status: 503,
    headers: { 'content-type': 'text/plain; charset=UTF-8', 'retry-after': String(reviewRetryAfterSeconds) },
  });
