import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTraceparent, parseTraceContext } from '../../../core/trace/context.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const parentId = '00f067aa0ba902b7';
const good = `00-${traceId}-${parentId}-01`;

const hex = (length: number) =>
  fc
    .array(fc.constantFrom('0', '1', '7', '9', 'a', 'c', 'f'), { minLength: length, maxLength: length })
    .map((digits) => digits.join(''))
    .filter((digits) => /[^0]/.test(digits));

describe('traceparent', () => {
  it('is read as it is written', () => {
    fc.assert(
      fc.property(hex(32), hex(16), fc.boolean(), (traceId, parentId, isSampled) => {
        const context = { traceId, parentId, isSampled };
        expect(parseTraceContext(formatTraceparent(context))).toEqual(context);
      }),
    );
  });

  it.each([
    ['another number of digits', `00-${traceId}0-${parentId}-01`],
    ['upper case', good.toUpperCase()],
    ['an id of zeros', `00-${'0'.repeat(32)}-${parentId}-01`],
    ['a parent of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['the version that is none', `ff-${traceId}-${parentId}-01`],
    ['more than version 00 has', `${good}-01`],
    ['more of a later version without a hyphen', `01-${traceId}-${parentId}-010`],
    ['two of them', `${good}, ${good}`],
    ['blanks', ` ${good}`],
    ['a line after it', `${good}\n`],
    ['nothing', ''],
  ])('with %s is ignored', (_what, header) => {
    expect(parseTraceContext(header)).toBeUndefined();
  });

  it('of a later version counts as far as it is known', () => {
    expect(parseTraceContext(`cc-${traceId}-${parentId}-01-what-comes`)).toEqual({
      traceId,
      parentId,
      isSampled: true,
    });
    expect(parseTraceContext(`00-${traceId}-${parentId}-fe`)).toEqual({ traceId, parentId, isSampled: false });
  });

  it('with any character changed is read as another one or not at all, and is never passed on as it came', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(0xff), (at, code) => {
        const changed = good.slice(0, at) + String.fromCharCode(code) + good.slice(at + 1);
        const context = parseTraceContext(changed);
        if (context === undefined) return true;
        const isOfForm = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(changed);
        return isOfForm && /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/.test(formatTraceparent(context));
      }),
    );
  });

  it('of whatever kind never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (traceparent, tracestate) => {
        parseTraceContext(traceparent, tracestate);
        const state = parseTraceContext(good, tracestate)?.state;
        return state === undefined || state === tracestate;
      }),
    );
  });
});

describe('tracestate', () => {
  const stateOf = (tracestate: string) => parseTraceContext(good, tracestate)?.state;

  it.each([
    'rojo=00f067aa0ba902b7',
    'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE',
    'rojo=1 , \tcongo=2',
    'rojo=1,,congo=2',
    'fw529a3039@dt=FfAAAA',
    `a=${'x'.repeat(256)}`,
    Array.from({ length: 32 }, (_, index) => `k${index}=1`).join(','),
  ])('is passed on as it came: %s', (tracestate) => {
    expect(stateOf(tracestate)).toBe(tracestate);
  });

  it.each([
    ['a key twice', 'rojo=1,congo=2,rojo=3'],
    ['an upper case key', 'Rojo=1'],
    ['a key that begins with a digit', '1rojo=1'],
    ['no value', 'rojo='],
    ['no key', '=1'],
    ['an equals sign in a value', 'rojo=1=2'],
    ['a line end', 'rojo=1\nset-cookie: x'],
    ['a character outside ASCII', 'rojo=é'],
    ['two systems', 'a@b@c=1'],
    ['a long system', `a@${'b'.repeat(15)}=1`],
    ['a long value', `a=${'x'.repeat(257)}`],
    ['33 members', Array.from({ length: 33 }, (_, index) => `k${index}=1`).join(',')],
    ['513 characters', `a=${'x'.repeat(250)},b=${'x'.repeat(250)},c=${'x'.repeat(5)}`],
    ['nothing in it', ' , '],
  ])('with %s is dropped, and the trace kept', (_what, tracestate) => {
    expect(stateOf(tracestate)).toBeUndefined();
    expect(parseTraceContext(good, tracestate)?.traceId).toBe(traceId);
  });
});
