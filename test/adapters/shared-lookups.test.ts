import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { createSharedLookups } from '../../adapters/shared-lookups.ts';
import type { KubeCall } from '../../adapters/kube/client.ts';
import type { PoolAccess } from '../../api/review.ts';

/** An apiserver that answers by hand. */
function createKube() {
  const calls: { readonly call: KubeCall; readonly answer: (value: unknown) => void }[] = [];
  const open = createSharedLookups({
    call: (call) =>
      new Promise((resolve) => {
        calls.push({ call, answer: resolve });
      }),
  });
  return { open, calls };
}

const access: PoolAccess = { verb: 'use', namespace: 'n', name: 'p' };
const user = { username: 'u', uid: '1', groups: ['g'], extra: { team: ['t'] } };

describe('a lookup', () => {
  it('is one call for requests that arrived before it', async () => {
    const { open, calls } = createKube();
    const [first, second] = [open(), open()];
    const answers = [first.getPool({ namespace: 'n', name: 'p' }), second.getPool({ namespace: 'n', name: 'p' })];
    await expect.poll(() => calls.length).toBe(1);
    calls[0]?.answer({ spec: {} });
    expect(await Promise.all(answers)).toEqual([{ spec: {} }, { spec: {} }]);
    expect(calls).toHaveLength(1);
  });

  it.each([
    ['another user', { ...user, username: 'v' }, access],
    ['another uid', { ...user, uid: '2' }, access],
    ['another group', { ...user, groups: ['g', 'h'] }, access],
    ['another extra', { ...user, extra: { team: ['s'] } }, access],
    ['another verb', user, { ...access, verb: 'attach' as const }],
    ['another namespace', user, { ...access, namespace: 'm' }],
    ['another pool', user, { ...access, name: 'q' }],
  ])('of a right is not shared with %s', async (_, otherUser, otherAccess) => {
    const { open, calls } = createKube();
    const [first, second] = [open(), open()];
    void first.reviewAccess(user, access);
    void second.reviewAccess(otherUser, otherAccess);
    await expect.poll(() => calls.length).toBe(2);
  });

  it('of a right is shared by tokens of one user', async () => {
    const { open, calls } = createKube();
    const [first, second] = [open(), open()];
    const withToken = (id: string) => ({
      ...user,
      extra: { ...user.extra, 'authentication.kubernetes.io/credential-id': [id] },
    });
    const answers = [first.reviewAccess(withToken('JTI=1'), access), second.reviewAccess(withToken('JTI=2'), access)];
    await expect.poll(() => calls.length).toBe(1);
    calls[0]?.answer({ status: { allowed: true } });
    expect(await Promise.all(answers)).toEqual([true, true]);
    expect(calls).toHaveLength(1);
  });

  it('that takes too long fails for the request whose time is over, and is answered to the others', async () => {
    const { open, calls } = createKube();
    const [hasty, patient] = [open(1), open()];
    const late = hasty.getNamespaceLabels('n');
    const waiting = patient.getNamespaceLabels('n');
    await expect(late).rejects.toThrow('no answer of the apiserver within 1 ms');
    calls[0]?.answer({ metadata: { labels: { team: 'a' } } });
    expect(await waiting).toEqual({ team: 'a' });
  });

  it('asked when the time of its request is over fails at once, without a warning of Node', async () => {
    const warn = vi.spyOn(process, 'emitWarning');
    const { open } = createKube();
    const late = open(1);
    await sleep(20);
    await expect(late.getNamespaceLabels('n')).rejects.toThrow('no answer of the apiserver within 1 ms');
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });
});
