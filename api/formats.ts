/**
 * Text that has a form. Each form is one regular expression without lookaround, which zod and the apiserver read alike,
 * so that it holds with every webhook away; what a library must parse is parsed by admission as well.
 */
import * as z from 'zod';
import {
  maxCidrLength,
  maxCronLength,
  maxHostnameLength,
  maxImageLength,
  maxObjectNameLength,
  maxQuantityLength,
} from './limits/fields.ts';
import { withRules } from './rule.ts';

interface Form {
  readonly pattern: RegExp;
  readonly maxLength: number;
  /** What is expected, as the apiserver prints it after the path. */
  readonly expected: string;
  readonly example: string;
  /** The same to the apiserver, where CEL has a shorter word for it. */
  readonly cel?: string;
}

const formed =
  ({ pattern, maxLength, expected, example, cel }: Form) =>
  (description: string) =>
    z
      .string()
      .max(maxLength)
      .regex(pattern)
      .meta({ expected, example, ...(cel === undefined ? {} : { cel }) })
      .describe(description);

/**
 * Go duration (https://pkg.go.dev/time#ParseDuration), without sign. The digits of each unit are bounded so that 64
 * characters never say more than the 292 years that Go's int64 of nanoseconds holds.
 */
export const duration = formed({
  pattern:
    /^(0|([0-9]{1,5}(\.[0-9]+)?h|[0-9]{1,7}(\.[0-9]+)?m|[0-9]{1,9}(\.[0-9]+)?s|[0-9]{1,12}(\.[0-9]+)?ms|[0-9]{1,15}(\.[0-9]+)?(us|µs|μs)|[0-9]{1,18}(\.[0-9]+)?ns)+)$/,
  maxLength: 64,
  expected: 'a Go duration such as 90s or 1h30m',
  example: '1h30m',
});

const amount = /([0-9]+(\.[0-9]*)?|\.[0-9]+)/.source;
const suffix = /(n|u|m|k|[MGTPE]|[KMGTPE]i|[eE][-+]?[0-9]{1,2})?/.source;

/** Kubernetes quantity (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/), no sign. */
export const quantity = formed({
  pattern: new RegExp(`^${amount}${suffix}$`),
  maxLength: maxQuantityLength,
  expected: 'a quantity such as 500m or 4Gi',
  example: '4Gi',
});

/** A quantity, or an amount of bytes as buildkitd's own configuration writes it (`10GB`). */
export const storageSize = formed({
  pattern: new RegExp(`^${amount}(${suffix}|[kKMGTP]?B)$`),
  maxLength: maxQuantityLength,
  expected: 'a quantity such as 20Gi, or bytes such as 20GB',
  example: '20Gi',
});

/** Quantity in the place where core Kubernetes types take a number too. */
export const intOrStringQuantity = withRules(
  z.union([
    z.int().min(0),
    z
      .string()
      .max(maxQuantityLength)
      .regex(new RegExp(`^${amount}${suffix}$`)),
  ]),
  {
    cel: `type(self) == int ? self >= 0 : self.matches(r'^${amount}${suffix}$')`,
    message: 'expected a quantity such as 500m or 4Gi',
    holds: () => true,
  },
).meta({ 'x-kubernetes-int-or-string': true });

const octet = '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const hextet = '[0-9a-fA-F]{1,4}';
/** As many groups after the `::` as are left when one to six stand in front of it. */
const shortened = Array.from({ length: 6 }, (_, index) => `(${hextet}:){${index + 1}}((:${hextet}){1,${6 - index}}|:)`);
const address6 = `((${hextet}:){7}(${hextet}|:)|:((:${hextet}){1,7}|:)|${shortened.join('|')})`;

/** IPv4 or IPv6 prefix (RFC 4632, RFC 4291), in digits alone: no zone, no IPv4 inside IPv6. */
export const cidr = (description: string) =>
  formed({
    pattern: new RegExp(
      `^(${octet}(\\.${octet}){3}/(3[0-2]|[12]?[0-9])|${address6}/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))$`,
    ),
    maxLength: maxCidrLength,
    cel: "isCIDR(self) && !(self.contains(':') && self.contains('.'))",
    expected: 'a CIDR such as 10.0.0.0/8 or fd00::/8',
    example: '10.0.0.0/8',
  })(description).refine((text) => !isMapped(text), { message: 'expected no IPv4 inside IPv6' });

/** An IPv4 address as IPv6 (RFC 4291, 2.5.5.2), which the apiserver takes for none of the two. */
function isMapped(text: string): boolean {
  const [head = '', tail] = text.replace(/\/.*/, '').split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const all = [...before, ...Array.from({ length: zeros }, () => '0'), ...after].map((group) => parseInt(group, 16));
  return all.length === 8 && all[5] === 0xffff && all.slice(0, 5).every((group) => group === 0);
}

/** Five fields, in the letters that such fields are made of; admission has it parsed. */
export const cron = formed({
  pattern: /^[0-9A-Za-z*/,-]+( [0-9A-Za-z*/,-]+){4}$/,
  maxLength: maxCronLength,
  expected: 'a cron expression of five fields such as 0 20 * * 1-5',
  example: '0 20 * * 1-5',
});

const label = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';

/** Names that never lead outside the cluster (RFC 6761, https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/). */
const innerDomains = ['.svc', '.local', '.localhost'];

/** DNS name (RFC 1123) with a domain, in lower case: it is compared byte for byte, and never an address. */
export const hostname = (description: string) =>
  withRules(
    formed({
      pattern: new RegExp(`^(${label}\\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`),
      maxLength: maxHostnameLength,
      expected: 'a DNS name in lower case such as builds.example.com',
      example: 'builds.example.com',
    })(description),
    {
      cel: innerDomains.map((domain) => `!self.endsWith('${domain}')`).join(' && '),
      message: `expected a name outside the cluster, not under ${innerDomains.join(', ')}`,
      holds: (name) => innerDomains.every((domain) => !name.endsWith(domain)),
    },
  ).describe(description);

/** DNS subdomain (RFC 1123): what Kubernetes allows for most object names. */
export const objectName = formed({
  pattern: new RegExp(`^${label}(\\.${label})*$`),
  maxLength: maxObjectNameLength,
  expected: 'a DNS name of lower-case letters, digits, hyphens and dots',
  example: 'builds',
});

/**
 * Image or repository. It becomes one value of a comma-separated argument of BuildKit, so no comma, quote or space can
 * begin another.
 */
export const imageReference = formed({
  pattern: /^[0-9A-Za-z][-0-9A-Za-z._:/@]*$/,
  maxLength: maxImageLength,
  expected: 'an image reference such as registry.example.com/cache:main',
  example: 'registry.example.com/cache:main',
});

/** Address of an S3 service, held to the same letters for the same reason. */
export const endpointUrl = formed({
  pattern: /^https?:\/\/[0-9A-Za-z][-0-9A-Za-z.:/_~%]*$/,
  maxLength: maxImageLength,
  expected: 'a URL with http or https, without userinfo, query or fragment',
  example: 'https://s3.example.com',
});

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, older names included. */
export const bucketName = formed({
  pattern: /^[0-9A-Za-z][-0-9A-Za-z._]*$/,
  maxLength: 255,
  expected: 'the name of a bucket: letters, digits, hyphens, dots and underscores',
  example: 'build-cache',
});

export const regionName = formed({
  pattern: /^[0-9A-Za-z]([-0-9A-Za-z]*[0-9A-Za-z])?$/,
  maxLength: 64,
  expected: 'the name of a region such as eu-central-1',
  example: 'eu-central-1',
});
