import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isGranted } from '../../../core/access/grant.ts';

const poolNamespace = 'buildkit-system';
const guest = { poolNamespace, namespace: 'tenant-a', labels: { team: 'a' } };
const own = { ...guest, namespace: poolNamespace };
const grant = (namespaces: object) => ({ workers: { namespaces } }) as Parameters<typeof isGranted>[0];
const selector = (matchLabels: Record<string, string>) => grant({ from: 'Selector', selector: { matchLabels } });

test.each([
  ['no access', undefined, false],
  ['empty access', {}, false],
  ['empty workers', { workers: {} }, false],
  ['a grant to clients only', { clients: { namespaces: { from: 'All' as const } } }, false],
  ['Same', grant({ from: 'Same' }), false],
  ['None', grant({ from: 'None' }), false],
  ['All', grant({ from: 'All' }), true],
  ['a selector of its labels', selector({ team: 'a' }), true],
  ['a selector of other labels', selector({ team: 'b' }), false],
  ['a selector that the schema would refuse', selector({}), false],
  ['Selector without a selector', grant({ from: 'Selector' }), false],
  ['a selector that is not asked for', grant({ from: 'Same', selector: { matchLabels: { team: 'a' } } }), false],
])('who lives elsewhere is let in or not by %s', (_, access, expected) => {
  expect(isGranted(access, guest)).toBe(expected);
});

test('a selector sees the labels and not the name of the namespace', () => {
  const byName = selector({ 'kubernetes.io/metadata.name': 'tenant-a' });
  expect(isGranted(byName, guest)).toBe(false);
  expect(isGranted(byName, { ...guest, labels: { 'kubernetes.io/metadata.name': 'tenant-a' } })).toBe(true);
});

test('no grant closes the own namespace to workers', () => {
  const from = fc.constantFrom('Same', 'All', 'Selector', 'None');
  const labels = fc.dictionary(fc.constantFrom('team', 'zone'), fc.constantFrom('a', 'b'));
  fc.assert(
    fc.property(from, labels, labels, (word, wanted, present) => {
      const access = grant({ from: word, ...(word === 'Selector' ? { selector: { matchLabels: wanted } } : {}) });
      expect(isGranted(access, { ...own, labels: present })).toBe(true);
    }),
  );
});
