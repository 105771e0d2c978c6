import { describe, expect, it } from 'vitest';
import { err, ok } from '../../../core/result.ts';
import { createOperationsApp, type OperationsPorts } from '../../../webhooks/operations/app.ts';

const makeApp = (changes: Partial<OperationsPorts> = {}) =>
  createOperationsApp({
    checkReady: () => Promise.resolve(ok(undefined)),
    ...changes,
  });

async function get(app: ReturnType<typeof makeApp>, path: string): Promise<[number, string]> {
  const answer = await app.request(path);
  return [answer.status, await answer.text()];
}

describe('the probes', () => {
  it('say ok', async () => {
    expect(await get(makeApp(), '/healthz')).toEqual([200, 'ok']);
    expect(await get(makeApp(), '/readyz')).toEqual([200, 'ok']);
  });

  it('say what is missing, and stay alive', async () => {
    const app = makeApp({ checkReady: () => Promise.resolve(err('certificate: expected one')) });
    expect(await get(app, '/readyz')).toEqual([503, 'certificate: expected one']);
    expect(await get(app, '/healthz')).toEqual([200, 'ok']);
  });
});
