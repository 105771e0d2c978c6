/** Sends CloudEvents over HTTP. */
import { readFile } from 'node:fs/promises';
import { eventDeliveryTimeoutMs } from '../api/limits/bridge.ts';
import type { CloudEvent } from '../core/events/make.ts';

export interface EventSenderOptions {
  readonly sink: URL;
  /** Bearer token, read again at every call: it rotates. */
  readonly tokenFile: string;
  readonly signal: AbortSignal;
}

/** The HTTP status of the answer. @throws when no answer came. */
export type SendEvent = (event: CloudEvent) => Promise<number>;

export const createEventSender =
  ({ sink, tokenFile, signal }: EventSenderOptions): SendEvent =>
  async ({ headers, body }) => {
    const token = (await readFile(tokenFile, 'utf8')).trim();
    const answer = await fetch(sink, {
      method: 'POST',
      headers: { ...headers, authorization: `Bearer ${token}` },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(eventDeliveryTimeoutMs)]),
    });
    await answer.body?.cancel();
    return answer.status;
  };
