import { expect, test } from 'vitest';
import { chooseAddresses, makeName } from '../../dev/node/addresses.ts';

const name = makeName('/somewhere');

test('takes a network that no route of the machine touches', () => {
  const first = chooseAddresses(name, []).block;
  const next = chooseAddresses(name, ['127.0.0.0/8', '192.0.2.1', first]).block;
  expect(next).not.toBe(first);
  expect(chooseAddresses(name, [first.replace('0.0/16', '3.7')]).block).toBe(next);
  expect(chooseAddresses(name, [first.replace('/16', '/15')]).block).not.toBe(first);
});

test('gives two folders different networks', () => {
  expect(makeName('/elsewhere')).not.toBe(name);
});

test('says so when none is free', () => {
  expect(() => chooseAddresses(name, ['10.0.0.0/8'])).toThrow(/^no network of 10\.128\.0\.0\/16 and above is free/);
});
