import { describe, expect, it } from 'vitest';
import { convertObject } from '../../../core/conversion/convert.ts';
import { compileTable } from '../../../core/conversion/table.ts';

const group = 'buildkit.smrt-devops.net';

describe('a worker', () => {
  it('has its lease in the words of each version', () => {
    const poolRef = { name: 'pool', namespace: 'tenant-a' };
    const token = 'sha256:0';
    const [allocatedAt, expiresAt] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'];
    const old = {
      apiVersion: `${group}/v1alpha1`,
      kind: 'BuildKitWorker',
      metadata: { name: 'worker' },
      spec: {
        poolRef,
        requester: { username: 'dev' },
        allocation: { jobId: 'j', token, requestedBy: 'u', allocatedAt, expiresAt, metadata: { a: 'b' } },
      },
      status: { phase: 'Allocated', poolUID: '7' },
    };
    const now = {
      ...old,
      apiVersion: `${group}/v1beta1`,
      spec: {
        poolRef,
        requester: { username: 'dev' },
        lease: { jobID: 'j', token, holder: 'u', acquiredAt: allocatedAt, expiresAt, metadata: { a: 'b' } },
      },
    };
    expect(convertObject(old, 'v1beta1')).toEqual({ ok: true, value: now });
    expect(convertObject(now, 'v1alpha1')).toEqual({ ok: true, value: old });
  });
});

describe('an object', () => {
  it('of the wanted version is returned unchanged', () => {
    const object = { apiVersion: `${group}/v1beta1`, kind: 'BuildKitPool', spec: 7 };
    expect(convertObject(object, 'v1beta1')).toEqual({ ok: true, value: object });
  });

  it.each([
    [{ apiVersion: `${group}/v2`, kind: 'BuildKitPool' }, `"${group}/v2" "BuildKitPool"`],
    [{ apiVersion: `${group}/v1beta1`, kind: 'Pod' }, `"${group}/v1beta1" "Pod"`],
    [{ apiVersion: 'v1beta1', kind: '__proto__' }, '"v1beta1" "__proto__"'],
    [{ kind: 7 }, 'nothing nothing'],
  ])('that is not ours is an error by name: %j', (object, name) => {
    expect(convertObject(object, 'v1alpha1')).toEqual({ ok: false, error: `expected a kind of ${group}, got ${name}` });
  });

  it.each([
    [null, 'null'],
    ['x', 'string'],
    [[], 'object'],
  ])('that is not an object is an error: %j', (object, name) => {
    expect(convertObject(object, 'v1alpha1')).toEqual({ ok: false, error: `expected an object, got ${name}` });
  });
});

describe('a table', () => {
  it.each([
    ['twice the same path', ['a.b', 'a.b'], 'a.b: expected one mapping'],
    ['a leaf below another', ['a', 'a.b'], 'a.b: expected no mapping above it'],
  ])('with %s throws', (_name, paths, message) => {
    const mappings = paths.map((path, index) => ({ v1beta1: path, v1alpha1: `x${index}` }));
    expect(() => compileTable(mappings)).toThrow(new TypeError(message));
  });
});
