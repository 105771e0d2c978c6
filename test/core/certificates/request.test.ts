import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCertificateRequest as parse, type ReadCsr } from '../../../core/certificates/request.ts';

const poolExpectation = '<pool> or <namespace>/<pool>, lower-case DNS labels of at most 52 and 63 characters';
const poolsExpectation = 'an array of 1 to 16 pool names';
const durationExpectation = 'a Go duration from 5m to 24h, such as 30m or 1h30m';

const subjectKey = { publicKey: Uint8Array.of(1), keyId: Uint8Array.of(2) };
const readCsr: ReadCsr = (csr) =>
  csr === 'good' ? { ok: true, value: subjectKey } : { ok: false, error: { expected: 'good', got: 'another' } };
const parseCertificateRequest = (body: unknown) => parse(body, readCsr);

const invalid = (...errors: readonly object[]) => ({ ok: false, error: { code: 'invalid_request', errors } });

describe('a request', () => {
  it('leaves its life and its key to others unless it says otherwise', () => {
    expect(parseCertificateRequest({ pools: ['a', 'tenant-b/b'] })).toEqual({
      ok: true,
      value: { pools: ['a', 'tenant-b/b'], ttlSeconds: undefined, subjectKey: undefined },
    });
  });

  it.each([
    ['5m', 300],
    ['1h30m', 5_400],
    ['24h', 86_400],
    ['5m0.9s', 300],
  ])('lives for %s', (duration, ttlSeconds) => {
    expect(parseCertificateRequest({ pools: ['a'], duration })).toEqual({
      ok: true,
      value: { pools: ['a'], ttlSeconds, subjectKey: undefined },
    });
  });

  it('brings a key', () => {
    expect(parseCertificateRequest({ pools: ['a'], csr: 'good' })).toEqual({
      ok: true,
      value: { pools: ['a'], ttlSeconds: undefined, subjectKey },
    });
  });

  it('takes names of the greatest length', () => {
    const name = `${'n'.repeat(63)}/${'p'.repeat(52)}`;
    expect(parseCertificateRequest({ pools: [name] }).ok).toBe(true);
  });
});

describe('a request is refused', () => {
  it.each([
    ['nothing', undefined, 'nothing'],
    ['null', null, 'null'],
    ['a list', [], 'an array of 0'],
    ['a string', 'x', '"x"'],
  ])('when the body is %s', (_, body, got) => {
    expect(parseCertificateRequest(body)).toEqual(invalid({ field: 'body', expected: 'a JSON object', got }));
  });

  it.each([
    ['missing', undefined, 'nothing'],
    ['null', null, 'null'],
    ['empty', [], 'an array of 0'],
    ['a string', 'a', '"a"'],
    ['17 of them', Array<string>(17).fill('a'), 'an array of 17'],
  ])('when pools is %s', (_, pools, got) => {
    expect(parseCertificateRequest({ pools })).toEqual(invalid({ field: 'pools', expected: poolsExpectation, got }));
  });

  it.each([
    ['a/b/c', '"a/b/c"'],
    ['../x', '"../x"'],
    ['', '""'],
    ['/a', '"/a"'],
    ['a/', '"a/"'],
    ['Upper', '"Upper"'],
    ['a/1pool', '"a/1pool"'],
    ['pool-', '"pool-"'],
    ['a\nb', '"a\\nb"'],
    ['p\u0131', '"p\u0131"'],
    [7, '7'],
    [{}, 'an object'],
  ])('when a pool is %j', (pool, got) => {
    expect(parseCertificateRequest({ pools: ['fine', pool] })).toEqual(
      invalid({ field: 'pools[1]', expected: poolExpectation, got }),
    );
  });

  it.each([53, 300])('when a name has %i characters, and shows only the first of them', (length) => {
    const got = length > 62 ? `"${'x'.repeat(63)}...` : `"${'x'.repeat(length)}"`;
    expect(parseCertificateRequest({ pools: ['x'.repeat(length)] })).toEqual(
      invalid({ field: 'pools[0]', expected: poolExpectation, got }),
    );
  });

  it.each([
    ['-1h', '"-1h"'],
    ['abc', '"abc"'],
    ['', '""'],
    ['0', '"0"'],
    ['4m59.999s', '"4m59.999s"'],
    ['24h1ns', '"24h1ns"'],
    ['2562048h', '"2562048h"'],
    [300, '300'],
    [null, 'null'],
    ['1'.repeat(65) + 's', `"${'1'.repeat(63)}...`],
  ])('when the duration is %j', (duration, got) => {
    expect(parseCertificateRequest({ pools: ['a'], duration })).toEqual(
      invalid({ field: 'duration', expected: durationExpectation, got }),
    );
  });

  it.each(['useExistingCerts', 'certSecretName'])('when it names a tenant Secret by %s', (field) => {
    expect(parseCertificateRequest({ pools: ['a'], [field]: 'x' })).toEqual({
      ok: false,
      error: { code: 'unsupported_field', errors: [{ field, expected: 'no such field', got: '"x"' }] },
    });
  });

  it('for every fault at once', () => {
    expect(parseCertificateRequest(JSON.parse('{"pools":["A"],"duration":"1s","extra":true,"__proto__":1}'))).toEqual(
      invalid(
        { field: 'pools[0]', expected: poolExpectation, got: '"A"' },
        { field: 'extra', expected: 'no such field', got: 'true' },
        { field: '__proto__', expected: 'no such field', got: '1' },
        { field: 'duration', expected: durationExpectation, got: '"1s"' },
      ),
    );
  });

  it('with no more than 32 faults named', () => {
    const extra = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`extra${index}`, index]));
    const answer = parseCertificateRequest({ pools: ['a'], ...extra });
    expect(answer.ok ? [] : answer.error.errors).toHaveLength(32);
  });
});

it('never throws, and accepts only names of the two forms', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.jsonValue(), fc.record({ pools: fc.array(fc.string()), duration: fc.string() })),
      (body) => {
        const parsed = parseCertificateRequest(body);
        if (!parsed.ok) return parsed.error.errors.length > 0;
        return parsed.value.pools.every((name) => name.split('/').every((part) => /^[-a-z0-9]+$/.test(part)));
      },
    ),
  );
});
