import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type * as z from 'zod';
import * as format from '../../api/formats.ts';
import { parseDuration } from '../../core/duration.ts';

const runs = { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 200) };
const takes = (schema: z.ZodType, text: unknown): boolean => schema.safeParse(text).success;

/** What the form allows, by its own expression. */
const written = (schema: z.ZodString) => {
  const checks = (schema.def.checks ?? []) as readonly { _zod: { def: { pattern?: RegExp } } }[];
  const pattern = checks.map((check) => check._zod.def.pattern).find((one) => one !== undefined) ?? /^$/;
  return fc.stringMatching(pattern).filter((text) => takes(schema, text));
};

const forms: readonly [string, z.ZodType, good: readonly unknown[], bad: readonly unknown[]][] = [
  ['duration', format.duration(''), ['0', '90s', '1h30m', '1.5h', '99999h', '1µs'], ['', '-5m', '5', '1d', '100000h']],
  ['quantity', format.quantity(''), ['0', '500m', '4Gi', '1.5', '.5', '1e3', '1E-2'], ['', '-1', '1 Gi', '1KiB', 'Gi']],
  ['storage size', format.storageSize(''), ['20Gi', '10GB', '5kB', '7B', '1000'], ['10 GB', '10%', '10gb', '']],
  ['number or quantity', format.intOrStringQuantity, [0, 2, '2', '100m'], [-1, 0.5, '-1', '']],
  [
    'CIDR',
    format.cidr(''),
    ['0.0.0.0/0', '10.0.0.0/8', '255.255.255.255/32', '::/0', 'fd00::/8', '1:2:3:4:5:6:7:8/128', 'fe80::1/64'],
    ['10.0.0.0', '10.0.0.0/33', '010.0.0.0/8', '256.0.0.0/8', '1::2::3/8', 'fe80::1%eth0/64', '::ffff:1.2.3.4/96'],
  ],
  ['cron', format.cron(''), ['0 20 * * 1-5', '*/5 * * * MON'], ['@daily', '* * * *', '* * * * * *', '*  * * * *']],
  [
    'hostname',
    format.hostname(''),
    ['builds.example.com', 'a.b', `${'a'.repeat(63)}.example`],
    ['', 'localhost', 'Builds.example', '10.0.0.1', '*.example.com', 'a.svc', 'a.b.local', 'a.localhost', 'a.example.'],
  ],
  ['object name', format.objectName(''), ['a', 'a.b-c', '0'], ['', 'A', 'a..b', '-a', 'a/b', 'a b']],
  [
    'image',
    format.imageReference(''),
    ['ghcr.io', 'moby/buildkit:master-rootless', `r.example:5000/a@sha256:${'0'.repeat(64)}`],
    ['', 'a b', 'a,mode=max', 'a"b', "a'b", 'a\nb', '-a'],
  ],
  ['endpoint', format.endpointUrl(''), ['https://s3.example.com', 'http://10.0.0.1:9000/x'], ['s3', 'https://a,b=c']],
  ['bucket', format.bucketName(''), ['build-cache', 'a'], ['', 'a/b', 'a,b', '-a']],
  ['region', format.regionName(''), ['eu-central-1'], ['', 'eu,x=y', 'eu-']],
];

describe.each(forms)('a %s', (_, schema, good, bad) => {
  it.each(good)('may be %j', (value) => {
    expect(takes(schema, value)).toBe(true);
  });
  it.each(bad)('is never %j', (value) => {
    expect(takes(schema, value)).toBe(false);
  });
});

describe('what a form allows', () => {
  it('is a duration that Go can hold', () => {
    fc.assert(
      fc.property(written(format.duration('')), (text) => {
        expect(parseDuration(text).ok).toBe(true);
      }),
      runs,
    );
    expect(parseDuration('999999999s'.repeat(6)).ok).toBe(true);
  });

  it('is a CIDR that Node takes for a subnet', () => {
    fc.assert(
      fc.property(written(format.cidr('')), (text) => {
        const [address = '', bits] = text.split('/');
        const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
        expect(() => {
          new BlockList().addSubnet(address, Number(bits), family);
        }).not.toThrow();
      }),
      runs,
    );
  });

  it('is every address that Node takes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        expect(takes(format.cidr(''), `${address}/7`)).toBe(isIP(address) !== 0 && !/:.*\./.test(address));
      }),
      runs,
    );
  });
});
