import { describe, expect, it } from 'vitest';
import { validate, type ValidationPorts } from '../../../core/admission/decide.ts';
import { checkSize } from '../../../core/admission/decide.ts';
import { makeConfigRequest, makeDenial, makeObjectRequest, makePoolRequest, makeWorker } from './reviews.ts';

const limit = 65_536;
const around = JSON.stringify({ text: '' }).length;
const ofBytes = (bytes: number) => ({ text: 'x'.repeat(bytes - around) });

describe('a spec', () => {
  it.each([undefined, {}, ofBytes(limit - 1), ofBytes(limit)])('of the limit or less is taken', (spec) => {
    expect(checkSize({ spec, oldSpec: undefined })).toEqual([]);
  });

  it('above the limit is refused, with what came', () => {
    expect(checkSize({ spec: ofBytes(limit + 1), oldSpec: undefined })).toEqual([
      {
        field: 'spec',
        reason: 'FieldValueTooLong',
        message: 'Too long: expected at most 65536 bytes of JSON, got 65537',
      },
    ]);
  });

  it('is measured in bytes, not in characters', () => {
    expect(checkSize({ spec: { text: '\u{1F3D7}'.repeat(16_384) }, oldSpec: undefined })).toHaveLength(1);
  });

  it('that was stored above the limit stays and shrinks, and does not grow', () => {
    const oldSpec = ofBytes(limit + 10);
    expect(checkSize({ spec: oldSpec, oldSpec })).toEqual([]);
    expect(checkSize({ spec: ofBytes(limit + 9), oldSpec })).toEqual([]);
    expect(checkSize({ spec: ofBytes(limit + 11), oldSpec })).toHaveLength(1);
  });
});

describe('a spec above the limit is refused before anything is asked', () => {
  const unasked = () => Promise.reject(new Error('nobody is asked'));
  const ports: ValidationPorts = {
    getPool: unasked,
    getNamespaceLabels: unasked,
    reviewAccess: unasked,
    isAttachCounted: true,
    listReferrers: unasked,
    listNamespaceLabels: unasked,
    listOidcConfigs: unasked,
    clusterIssuer: 'https://cluster.example',
    isSchedule: () => true,
    parseToml: () => ({ ok: true, value: {} }),
  };
  const spec = ofBytes(limit + 1);

  it.each([
    ['BuildKitPool', 'my-pool', makePoolRequest(spec)],
    ['BuildKitWorker', 'worker-1', makeObjectRequest({ object: makeWorker(spec) })],
    ['BuildKitOIDCConfig', 'ci', makeConfigRequest(spec)],
  ])('of a %s', async (kind, name, request) => {
    expect(await validate(request, ports)).toEqual(makeDenial({ kind, name }, [...checkSize(request)]));
  });
});
