import { expect, it } from 'vitest';
import { opensPool } from '../../../core/certificates/opens.ts';

const pool = { namespace: 'tenant-a', name: 'pool-a', uid: '11111111-1111-4111-8111-111111111111' };
const uri = `buildkit://dev.buildkit.internal/ns/tenant-a/pool/pool-a/uid/${pool.uid}`;
const opens = (...uris: string[]) => opensPool(uris, 'dev.buildkit.internal', pool);

it('opens the pool it names, among others', () => {
  expect(opens(uri)).toBe(true);
  expect(opens('buildkit://other.internal/ns/x/pool/y/uid/z', uri)).toBe(true);
});

it.each([
  ['nothing', ''],
  ['another cluster', uri.replace('dev.', 'prod.')],
  ['another namespace', uri.replace('tenant-a', 'tenant-b')],
  ['another pool', uri.replace('pool-a', 'pool-b')],
  ['the pool that had this name before', uri.replace('1111', '2222')],
  ['more than the pool', `${uri}/lease/1`],
  ['less than the pool', uri.slice(0, -1)],
  ['the same in capitals', uri.toUpperCase()],
  ['the same with a space', `${uri} `],
  ['the same behind another scheme', uri.replace('buildkit:', 'https:')],
])('does not open it for a certificate that names %s', (_, other) => {
  expect(opens(other)).toBe(false);
});

it('does not open it for a certificate without names', () => {
  expect(opens()).toBe(false);
});
