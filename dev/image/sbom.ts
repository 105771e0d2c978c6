/** The bill of materials: SPDX 2.3 of what is in the image, for one platform. */
import { hash } from 'node:crypto';
import type { Metafile } from 'esbuild';
import type { DebianPackage } from './debian.ts';
import type { LockedPackage } from './lock.ts';

interface SpdxPackage {
  readonly name: string;
  readonly SPDXID: string;
  readonly versionInfo: string;
  readonly licenseDeclared: string;
  readonly [field: string]: unknown;
}

export interface Contents {
  readonly version: string;
  /** Of which the bundles hold code. */
  readonly bundled: readonly LockedPackage[];
  readonly node: LockedPackage;
  readonly debian: readonly DebianPackage[];
  readonly architecture: string;
  readonly createdSeconds: number;
}

/** The folders of the packages of which the bundles hold at least a byte. */
export function listBundled({ outputs }: Metafile): string[] {
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
  const paths = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path);
  const folders = paths.map((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  return [...new Set(folders)].filter((folder) => folder !== undefined).sort();
}

/** A document of the same contents is the same document, and so the same image has the same digest. */
export function makeSbom({ version, bundled, node, debian, architecture, createdSeconds }: Contents) {
  const self = describe('buildkit-controller', version, 'Apache-2.0', `pkg:npm/buildkit-controller@${version}`);
  const packages = [
    ...bundled.map(describeNpm),
    describeNode(node),
    ...debian.map((one) => describeDebian(one, architecture)),
  ];
  const name = `buildkit-controller-${architecture}`;
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name,
    documentNamespace: `https://spdx.org/spdxdocs/${name}-${hash('sha256', JSON.stringify([self, packages]))}`,
    creationInfo: {
      // SPDX knows no fractions of a second.
      created: new Date(createdSeconds * 1000).toISOString().replace('.000Z', 'Z'),
      creators: ['Organization: The BuildKit Controller Authors'],
    },
    documentDescribes: [self.SPDXID],
    packages: [self, ...packages],
    relationships: packages.map(({ SPDXID }) => ({
      spdxElementId: self.SPDXID,
      relationshipType: 'CONTAINS',
      relatedSpdxElement: SPDXID,
    })),
  };
}

const describe = (name: string, version: string, licence: string, packageUrl: string): SpdxPackage => ({
  name,
  // Letters, digits, dots and hyphens are what an identifier may hold.
  SPDXID: `SPDXRef-Package-${name}-${version}`.replaceAll(/[^A-Za-z0-9.-]/g, '-'),
  versionInfo: version,
  licenseDeclared: licence,
  downloadLocation: 'NOASSERTION',
  filesAnalyzed: false,
  externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: packageUrl }],
});

function describeNpm({ name, version, license, integrity }: LockedPackage): SpdxPackage {
  const checksumValue = Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex');
  return {
    ...describe(name, version, license, `pkg:npm/${name.replace('@', '%40')}@${version}`),
    checksums: [{ algorithm: 'SHA512', checksumValue }],
  };
}

/** With the name under which vulnerabilities of Node are listed. */
function describeNode(node: LockedPackage): SpdxPackage {
  const described = describeNpm(node);
  const cpe = `cpe:2.3:a:nodejs:node.js:${node.version}:*:*:*:*:*:*:*`;
  const reference = { referenceCategory: 'SECURITY', referenceType: 'cpe23Type', referenceLocator: cpe };
  return { ...described, externalRefs: [...(described['externalRefs'] as object[]), reference] };
}

function describeDebian({ name, version, licence }: DebianPackage, architecture: string): SpdxPackage {
  const [escapedName, escapedVersion] = [name, version].map(encodeURIComponent);
  return describe(name, version, licence, `pkg:deb/debian/${escapedName}@${escapedVersion}?arch=${architecture}`);
}
