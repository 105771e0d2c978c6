import { describe, expect, it } from 'vitest';
import { act, currentActivity, followTrace, newTraceparent, traceCall } from '../../adapters/activity.ts';

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const other = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
const follow = <T>(headers: Record<string, string>, work: () => T): T =>
  followTrace({ headers: new Headers(headers) }, work);

describe('a request', () => {
  it('hands its trace to what is asked of the apiserver for it, through whatever lies between', async () => {
    const headers = await follow({ traceparent, tracestate: 'rojo=1' }, async () => {
      await Promise.resolve();
      return traceCall();
    });
    expect(headers).toEqual({
      traceparent,
      tracestate: 'rojo=1',
      'audit-id': expect.stringMatching(/^4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}$/) as string,
    });
  });

  it('takes the trace of its event where it has none of its own', () => {
    expect(follow({ 'ce-traceparent': other }, traceCall)['traceparent']).toBe(other);
    expect(follow({ traceparent, 'ce-traceparent': other }, traceCall)['traceparent']).toBe(traceparent);
  });

  it('begins a trace that nobody samples where what it brings is none, and repeats nothing of that', () => {
    const headers = follow({ traceparent: `${traceparent}-x`, tracestate: 'rojo=1' }, traceCall);
    expect(headers['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(JSON.stringify(headers)).not.toMatch(/4bf92f3577b34da6|rojo/);
  });

  it('shares nothing with another at the same time', async () => {
    const ids = [traceparent, other].map((one) =>
      follow({ traceparent: one }, async () => {
        await Promise.resolve();
        return currentActivity()?.context.traceId;
      }),
    );
    expect(await Promise.all(ids)).toEqual([traceparent.slice(3, 35), other.slice(3, 35)]);
  });
});

describe('work', () => {
  it('is counted on its own, and with what it is a part of', async () => {
    const counts: number[] = [];
    await follow({ traceparent }, async () => {
      for (const calls of [1, 2]) {
        await act({
          work: (activity) => {
            for (let call = 0; call < calls; call += 1) traceCall();
            counts.push(activity.calls);
            return Promise.resolve();
          },
        });
      }
      counts.push(currentActivity()?.calls ?? 0);
    });
    expect(counts).toEqual([1, 2, 3]);
  });

  it('outside of any request makes calls that belong to no trace', () => {
    expect(traceCall()).toEqual({});
  });
});

it('makes a traceparent that others take', () => {
  expect(follow({ traceparent: newTraceparent() }, traceCall)['traceparent']).toMatch(/^00-.*-00$/);
});
