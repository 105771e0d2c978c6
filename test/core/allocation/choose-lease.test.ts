import { expect, it } from 'vitest';
import { chooseLease, type LeaseQuery } from '../../../core/allocation/choose-lease.ts';
import { id, makeLease, now } from './objects.ts';

const choose = (query: Partial<LeaseQuery>, ...leases: Parameters<typeof makeLease>[]) =>
  chooseLease(
    { base: id, most: 1, open: [], gateway: 'g', ...query },
    { pool: 'p', leases: leases.map((fields) => makeLease(...fields)), now },
  );

it('is the first lease for every connection where the pool bounds none', () => {
  expect(choose({ most: undefined, open: [{ lease: id, connections: 500 }] })).toBe(id);
});

it('is the first lease that has a connection to spare', () => {
  const open = [
    { lease: id, connections: 3 },
    { lease: `${id}-1`, connections: 2 },
  ];
  expect(choose({ most: 3, open })).toBe(`${id}-1`);
  expect(choose({ most: 2, open })).toBe(`${id}-2`);
});

it('is none that another gateway has, and one of our own that nobody uses', () => {
  expect(choose({}, ['u', { gateway: 'other' }])).toBe(`${id}-1`);
  expect(choose({}, ['u', { gateway: 'g' }])).toBe(id);
  expect(choose({}, ['u', { gateway: 'other', renewedMs: 121_000 }])).toBe(id);
});
