import { describe, expect, it } from 'vitest';
import { KubeError, type KubeCall } from '../../../adapters/kube/client.ts';
import { withLease } from '../../../adapters/kube/lease.ts';

const path = '/apis/coordination.k8s.io/v1/namespaces/buildkit-system/leases';

interface Stored {
  readonly metadata: { readonly resourceVersion: string };
  readonly spec: object;
}

/** An apiserver with room for one Lease. */
function createWorld() {
  const world: { lease?: Stored; nowMs: number; revision: number } = { nowMs: 1_800_000_000_000, revision: 0 };
  const refuse = (status: number, reason: string) => Promise.reject(new KubeError(status, reason, reason));
  const call = ({ method, path: asked, body }: KubeCall): Promise<unknown> => {
    if (method === 'POST' && world.lease !== undefined) return refuse(409, 'AlreadyExists');
    if (method !== 'POST' && (world.lease === undefined || asked !== `${path}/writer`)) return refuse(404, 'NotFound');
    if (method === undefined) return Promise.resolve(world.lease);
    const { metadata, spec } = body as { metadata: Partial<Stored['metadata']>; spec: object };
    const isStale = metadata.resourceVersion !== world.lease?.metadata.resourceVersion;
    if (method === 'PUT' && isStale) return refuse(409, 'Conflict');
    world.lease = { metadata: { resourceVersion: String(++world.revision) }, spec };
    return Promise.resolve(world.lease);
  };
  const hold = (holder: string, work: () => Promise<void>) =>
    withLease({ kube: { call }, name: 'writer', holder, durationSeconds: 300, now: () => world.nowMs }, work);
  return { world, hold };
}

const nothing = () => Promise.resolve();

describe('a Lease', () => {
  it('is acquired for the work, and released after it', async () => {
    const { world, hold } = createWorld();
    await hold('a', () => {
      expect(world.lease?.spec).toEqual({
        holderIdentity: 'a',
        leaseDurationSeconds: 300,
        acquireTime: '2027-01-15T08:00:00.000000Z',
        renewTime: '2027-01-15T08:00:00.000000Z',
      });
      return Promise.resolve();
    });
    expect(world.lease?.spec).toEqual({});
    await hold('b', nothing);
  });

  it('is released when the work fails', async () => {
    const { hold } = createWorld();
    await expect(hold('a', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    await hold('b', nothing);
  });

  it('is held by one at a time', async () => {
    const { world, hold } = createWorld();
    await hold('a', async () => {
      world.nowMs += 299_999;
      await expect(hold('b', nothing)).rejects.toThrow(new Error('Lease writer: held by a'));
    });
  });

  it('is acquired by one of two that ask at once', async () => {
    const { hold } = createWorld();
    const works: string[] = [];
    const outcomes = await Promise.allSettled(
      ['a', 'b'].map((holder) => hold(holder, () => Promise.resolve(void works.push(holder)))),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(works).toEqual(['a']);
  });

  it.each([
    ['has a renewTime of years ahead', { leaseDurationSeconds: 300, renewTime: '2099-01-01T00:00:00.000000Z' }],
    [
      'lasts longer than any of ours',
      { leaseDurationSeconds: 2_000_000_000, renewTime: '2027-01-15T07:54:59.000000Z' },
    ],
    ['was renewed at no time', { leaseDurationSeconds: 300, renewTime: 'now' }],
  ])('is taken over when it %s', async (_, spec) => {
    const { world, hold } = createWorld();
    world.lease = { metadata: { resourceVersion: '0' }, spec: { holderIdentity: 'nobody', ...spec } };
    const works: string[] = [];
    await hold('a', () => Promise.resolve(void works.push('a')));
    expect(works).toEqual(['a']);
  });

  it('is respected when the clock of its holder is ahead by seconds', async () => {
    const { world, hold } = createWorld();
    const spec = { holderIdentity: 'b', leaseDurationSeconds: 300, renewTime: '2027-01-15T08:00:30.000000Z' };
    world.lease = { metadata: { resourceVersion: '0' }, spec };
    await expect(hold('a', nothing)).rejects.toThrow(new Error('Lease writer: held by b'));
  });

  it('expires, and its former holder does not release it after that', async () => {
    const { world, hold } = createWorld();
    const { promise: othersWork, resolve: endOthersWork } = Promise.withResolvers<undefined>();
    let other: Promise<void> | undefined;
    await hold('a', async () => {
      world.nowMs += 300_000;
      other = hold('b', async () => {
        await othersWork;
      });
      await expect.poll(() => world.lease?.spec).toMatchObject({ holderIdentity: 'b' });
    });
    expect(world.lease?.spec).toMatchObject({ holderIdentity: 'b' });
    endOthersWork(undefined);
    await other;
    expect(world.lease?.spec).toEqual({});
  });
});
