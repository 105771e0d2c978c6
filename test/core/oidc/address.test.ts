import { BlockList, isIPv4 } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isPrivateAddress, isPrivateHost } from '../../../core/oidc/address.ts';

const hostOf = (authority: string) => new URL(`https://${authority}`).hostname;

test.each([
  'localhost',
  'sso.localhost',
  'keycloak',
  'keycloak.sso.svc',
  'keycloak.sso.svc.cluster.local',
  'keycloak.sso.svc.example.org',
  'localhost.',
  'printer.local',
  '127.0.0.1',
  '0x7f.1',
  '2130706433',
  '169.254.169.254',
  '[::]',
  '[::1]',
  '[::ffff:10.0.0.1]',
  '[fe80::1]',
  '[fd00::1]',
  '[2002:7f00:1::]',
  '[2001::1]',
  '[64:ff9b::a00:1]',
  '[2001:db8::1]',
  '[3fff::1]',
  'metadata.google.internal',
])('%s is private', (authority) => {
  expect(isPrivateHost(hostOf(authority))).toBe(true);
});

test.each(['issuer.example', 'svc.example.org', 'localhost.example', '8.8.8.8', '[2606:4700::1]', '[2001:4860::1]'])(
  '%s is public as far as can be seen',
  (authority) => {
    expect(isPrivateHost(hostOf(authority))).toBe(false);
  },
);

test('IPv4 ranges are those of a block list', () => {
  const list = new BlockList();
  const ranges =
    '0/8 10/8 100.64/10 127/8 169.254/16 172.16/12 192.0.0/24 192.0.2/24 192.88.99/24 192.168/16 198.18/15 198.51.100/24 203.0.113/24 224/3';
  for (const range of ranges.split(' ')) {
    const [address = '', bits] = range.split('/');
    const octets = [...address.split('.'), '0', '0', '0'].slice(0, 4);
    list.addSubnet(octets.join('.'), Number(bits), 'ipv4');
  }
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      expect(isIPv4(address)).toBe(true);
      expect(isPrivateHost(address)).toBe(list.check(address, 'ipv4'));
    }),
  );
});

test('an address of IPv6 is public in 2000::/3 alone, but for what is set aside there', () => {
  const list = new BlockList();
  for (const [start, bits] of [
    ['2001::', 23],
    ['2001:db8::', 32],
    ['2002::', 16],
    ['3fff::', 20],
  ] as const)
    list.addSubnet(start, bits, 'ipv6');
  const group = fc.oneof(fc.constantFrom(0x2001, 0x2002, 0x3fff, 0xdb8, 0, 0xffff, 0x2606), fc.nat(0xffff));
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), fc.boolean(), (groups, isShort) => {
      const long = groups.map((one) => one.toString(16)).join(':');
      const text = isShort ? new URL(`http://[${long}]/`).hostname.slice(1, -1) : long;
      const isGlobal = (groups[0] ?? 0) >> 13 === 1;
      expect(isPrivateAddress(text)).toBe(!isGlobal || list.check(long, 'ipv6'));
    }),
  );
});

test.each([
  '',
  'x',
  '1.2.3',
  '1.2.3.256',
  '2606::1::2',
  '2606:1',
  '2606:1:2:3:4:5:6:7:8',
  '2606:4700::1%eth0',
  '2606:4700::g',
])('what is no address is private: %j', (text) => {
  expect(isPrivateAddress(text)).toBe(true);
});

const ranges4 = [
  ['0.0.0.0', '0.255.255.255'],
  ['10.0.0.0', '10.255.255.255'],
  ['100.64.0.0', '100.127.255.255'],
  ['127.0.0.0', '127.255.255.255'],
  ['169.254.0.0', '169.254.255.255'],
  ['172.16.0.0', '172.31.255.255'],
  ['192.0.0.0', '192.0.0.255'],
  ['192.0.2.0', '192.0.2.255'],
  ['192.88.99.0', '192.88.99.255'],
  ['192.168.0.0', '192.168.255.255'],
  ['198.18.0.0', '198.19.255.255'],
  ['198.51.100.0', '198.51.100.255'],
  ['203.0.113.0', '203.0.113.255'],
  ['224.0.0.0', '255.255.255.255'],
] as const;
const toNumber = (address: string) => address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
const toAddress = (value: number) => [24, 16, 8, 0].map((bits) => Math.floor(value / 2 ** bits) % 256).join('.');

test.each(ranges4)('%s to %s is private, and neither the address before it nor the one after', (first, last) => {
  expect([first, last].map(isPrivateAddress)).toEqual([true, true]);
  const outside = [toNumber(first) - 1, toNumber(last) + 1].filter((value) => value >= 0 && value < 2 ** 32);
  expect(outside.map(toAddress).map(isPrivateAddress)).toEqual(outside.map(() => false));
});

const ranges6 = [
  ['2001::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', undefined, '2001:200::'],
  ['2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', '2001:db7:ffff::', '2001:db9::'],
  ['2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2001:ffff::', '2003::'],
  ['3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', '3ffe:ffff::', '3fff:1000::'],
  ['::', '1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', undefined, '2000::'],
  ['4000::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '3fff:ffff::', undefined],
] as const;

test.each(ranges6)('%s to %s is private, and neither %s nor %s', (first, last, before, after) => {
  expect([first, last].map(isPrivateAddress)).toEqual([true, true]);
  const outside = [before, after].filter((address) => address !== undefined);
  expect(outside.map(isPrivateAddress)).toEqual(outside.map(() => false));
});
