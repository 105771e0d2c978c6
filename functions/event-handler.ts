/**
 * What a function does with a CloudEvent: finds the pools that it touches and brings each up to date.
 *
 * A pipeline: sender, event, pools, work, answer. An error becomes 503, which alone makes the sender try again.
 */
import { eventRetryAfterSeconds, maxEventBodyBytes, maxResyncWaitMs } from '../api/limits/status.ts';
import { parseEvent } from '../core/events/parse.ts';
import { createUpdate, type Outcome, type UpdatePorts } from '../core/events/update.ts';
import { isAnnouncedTooLarge, readBearer, readBody } from './request.ts';

export interface EventPorts extends UpdatePorts {
  /** Whether the holder of the token, or who has none, may send events; rejects when nobody can say now. */
  readonly authenticateSender: (token: string | undefined) => Promise<'allowed' | 'refused'>;
}

/**
 * 200 when every pool touched is up to date, 202 when none is, 400 malformed, 401 not an allowed sender, of whom no body is
 * read, 413 too large, 503 when it should be sent again (Knative does not retry 500). Never rejects.
 */
export function createEventHandler(ports: EventPorts): (request: Request) => Promise<Response> {
  const { authenticateSender, log } = ports;
  const update = createUpdate(ports);

  async function handle(request: Request): Promise<Response> {
    if (isAnnouncedTooLarge(request, maxEventBodyBytes)) return tooLarge();
    if ((await authenticateSender(readBearer(request))) === 'refused') {
      return new Response('sender not allowed', { status: 401, headers: { 'www-authenticate': 'Bearer' } });
    }
    const body = await readBody(request, maxEventBodyBytes);
    if (!body.ok) return tooLarge();
    const event = parseEvent(Object.fromEntries(request.headers), utf8.decode(body.value));
    if (!event.ok) return new Response(event.error, { status: 400 });
    return answer(await update(event.value));
  }

  return async (request) => {
    try {
      return await handle(request);
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'event not handled');
      return answer('failed');
    }
  };
}

const utf8 = new TextDecoder();

const tooLarge = (): Response => new Response(`body: expected <= ${maxEventBodyBytes} bytes`, { status: 413 });

function answer(outcome: Outcome): Response {
  switch (outcome) {
    case 'done':
      return new Response('up to date');
    case 'not ours':
      return new Response('about nothing of ours', { status: 202 });
    case 'failed':
      return answerRetry('try again', eventRetryAfterSeconds);
    case 'too soon':
      return answerRetry('everything was looked at a moment ago', maxResyncWaitMs / 1000);
  }
}

const answerRetry = (text: string, afterSeconds: number): Response =>
  new Response(text, { status: 503, headers: { 'retry-after': String(afterSeconds) } });
