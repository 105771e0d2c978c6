import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeRequester } from '../../../core/admission/requester.ts';

const user = fc.record(
  {
    username: fc.string(),
    uid: fc.string(),
    groups: fc.option(fc.array(fc.string())),
    extra: fc.option(fc.dictionary(fc.string(), fc.option(fc.array(fc.string())))),
  },
  { requiredKeys: ['username'] },
);

describe('makeRequester', () => {
  it('keeps everything the user is known by', () => {
    const known = { username: 'dev', uid: '42', groups: ['b', 'a'], extra: { team: ['blue', 'red'] } };
    expect(makeRequester(known)).toEqual(known);
  });

  it('leaves out facts about the token', () => {
    const extra = { 'authentication.kubernetes.io/pod-name': ['p'], 'authentication.kubernetes.io.example/x': ['y'] };
    expect(makeRequester({ username: 'dev', extra })).toEqual({
      username: 'dev',
      extra: { 'authentication.kubernetes.io.example/x': ['y'] },
    });
  });

  it.each([
    { username: 'dev' },
    { username: 'dev', uid: '', groups: [], extra: {} },
    { username: 'dev', groups: null, extra: null },
    { username: 'dev', extra: { empty: [], nothing: null } },
  ])('writes what is empty in one way: %j', (empty) => {
    expect(Object.keys(makeRequester(empty))).toEqual(['username']);
  });

  it('is stable: the stamp of a stamp is the stamp', () => {
    fc.assert(
      fc.property(user, (any) => {
        const stamp = makeRequester(any);
        expect(makeRequester(stamp)).toEqual(stamp);
      }),
    );
  });
});
