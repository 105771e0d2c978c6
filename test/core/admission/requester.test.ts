import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxRequesterBytes } from '../../../api/limits/webhooks.ts';
import { makeRequester, makeStamp } from '../../../core/admission/requester.ts';

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
    'accesskeyid',
    'accessKeyId',
    'sessionName',
    'sessionname',
    'iam.gke.io/user-assertion',
    'user-assertion.cloud.google.com',
    'example.com/id-token',
    'example.com/client-secret',
    'password',
  ])('leaves out %s, which tells of one credential', (key) => {
    const extra = { [key]: ['x'], arn: ['a'], canonicalarn: ['c'], 'example.com/team': ['t'] };
    expect(Object.keys(makeRequester({ username: 'dev', extra }).extra ?? {})).toEqual([
      'arn',
      'canonicalarn',
      'example.com/team',
    ]);
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

describe('makeStamp', () => {
  const ofBytes = (bytes: number) => {
    const empty = { username: 'dev', groups: Array<string>(17).fill('') };
    const left = bytes - JSON.stringify(empty).length;
    const groups = empty.groups.map((_, index) => 'g'.repeat(Math.min(1_024, Math.max(0, left - index * 1_024))));
    return { username: 'dev', groups };
  };

  it.each([
    [maxRequesterBytes - 1, true],
    [maxRequesterBytes, true],
    [maxRequesterBytes + 1, false],
  ])('of %i bytes is stored whole: %s', (bytes, isWhole) => {
    const requester = ofBytes(bytes);
    expect(JSON.stringify(requester).length).toBe(bytes);
    expect(makeStamp(requester)).toEqual(isWhole ? requester : { username: 'dev' });
  });
});
