import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { stringify } from 'smol-toml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseToml } from '../../../adapters/toml.ts';
import { isJsonObject, type JsonObject } from '../../../core/json.ts';
import { readBuildkitdConfig } from '../../../core/pool/buildkitd-config.ts';

function read(text: string) {
  const parsed = parseToml(text);
  if (!parsed.ok) throw new Error(`expected TOML, got ${text}`);
  return readBuildkitdConfig(parsed.value);
}

/** Every setting that a pool may choose, as buildkitd documents it. */
const everything = `
debug = true
trace = true
log = { format = "json", level = "debug" }
dns = { nameservers = ["1.1.1.1"], options = ["edns0"], searchDomains = ["example.com"] }
history = { maxAge = 172800, maxEntries = 50 }
system = { platformsCacheMaxAge = "1h", maxRegistryConcurrency = 4, sessionAuthTimeout = "1m" }
[registry."docker.io"]
mirrors = ["mirror.example"]
http = true
insecure = true
[frontend."dockerfile.v0"]
enabled = true
[frontend."gateway.v0"]
enabled = true
allowedRepositories = ["docker.io/docker/*"]
[worker.oci]
labels = { team = "a" }
platforms = ["linux/amd64"]
gc = true
gckeepstorage = "1GB"
reservedSpace = "1GB"
maxUsedSpace = "2GB"
minFreeSpace = "1GB"
max-parallelism = 4
[[worker.oci.gcpolicy]]
all = true
filters = ["type==source.local"]
keepDuration = "48h"
keepBytes = 512000000
reservedSpace = "1GB"
maxUsedSpace = "1GB"
minFreeSpace = "1GB"
`;

/** One setting each that no pool may choose. */
const held: readonly (readonly [path: string, text: string])[] = [
  ['root', 'root = "/x"'],
  ['insecure-entitlements', 'insecure-entitlements = ["security.insecure"]'],
  ['proxyNetwork', 'proxyNetwork = true'],
  ['provenanceEnvDir', 'provenanceEnvDir = "/etc"'],
  ['grpc', '[grpc]\naddress = ["tcp://0.0.0.0:1"]'],
  ['otel', '[otel]\nsocketPath = "/x"'],
  ['cdi', '[cdi]\ndisabled = false\nspecDirs = ["/x"]'],
  ['cache', '[cache.gha]\nverify = {}'],
  ['compaction', '[compaction]\nenabled = true'],
  ['worker.containerd', '[worker.containerd]\nenabled = true\naddress = "/x"'],
  ['registry.r.example.ca', '[registry."r.example"]\nca = ["/etc/shadow"]'],
  ['registry.r.example.keypair', '[[registry."r.example".keypair]]\nkey = "/x"\ncert = "/x"'],
  ['registry.r.example.tlsconfigdir', '[registry."r.example"]\ntlsconfigdir = ["/x"]'],
  ...[
    'enabled = false',
    'snapshotter = "x"',
    'rootless = true',
    'noProcessSandbox = true',
    'networkMode = "host"',
    'cniConfigPath = "/x"',
    'cniBinaryPath = "/x"',
    'cniPoolSize = 1',
    'bridgeName = "x"',
    'bridgeSubnet = "10.0.0.0/8"',
    'userRemapUnsupported = "x"',
    'binary = "/tmp/evil"',
    'proxySnapshotterPath = "/x"',
    'defaultCgroupParent = "x"',
    'stargzSnapshotter = { a = 1 }',
    'apparmor-profile = "x"',
    'selinux = true',
  ].map((line) => [`worker.oci.${line.split(' ', 1).join('')}`, `[worker.oci]\n${line}`] as const),
];

/** Names of fields in other letters: every setting is set by any of them. */
const dress = (text: string, how: (name: string) => string): string =>
  text.replaceAll(/(?<=^|\[|\[\[|\.|[{,] )([a-zA-Z-]+)(?= =|\]|\.)/gm, how);

const dresses: readonly (readonly [string, (name: string) => string])[] = [
  ['as documented', (name) => name],
  ['in capitals', (name) => name.toUpperCase()],
  ['in small letters', (name) => name.toLowerCase()],
  [
    'in both',
    (name) =>
      Array.from(name)
        .map((letter, at) => (at % 2 === 0 ? letter.toUpperCase() : letter.toLowerCase()))
        .join(''),
  ],
];

describe.each(dresses)('a setting %s', (_name, how) => {
  it('that a pool may choose is kept, by its own name', () => {
    const { kept, refused } = read(everything);
    expect(refused).toEqual([]);
    expect(read(dress(everything, how).replace(/team/gi, 'team'))).toEqual({ kept, refused: [] });
    expect(parseToml(everything)).toEqual({ ok: true, value: kept });
  });

  it.each(held)('that no pool may choose is refused and left out: %s', (path, text) => {
    const { kept, refused } = read(dress(text, how));
    expect(refused.map((one) => one.toLowerCase())).toContain(path.toLowerCase());
    expect(JSON.stringify(kept)).not.toMatch(/evil|\/x|"x"|shadow|security/);
  });
});

describe('a document', () => {
  it.each([
    ['a name in letters that fold to ASCII', '"\u212Aeep" = 1\n"deb\u016Bg" = true', ['\u212Aeep', 'deb\u016Bg']],
    ['one setting written twice', 'debug = true\nDEBUG = false', ['DEBUG']],
    ['a value where a table should be', 'worker = 7', ['worker']],
    ['a list where a table should be', '[[registry]]\nmirrors = []', ['registry']],
    ['a registry that is no table', 'registry = { a = 7 }', ['registry']],
    ['a table where a list should be', '[worker.oci.gcpolicy]\nall = true', ['worker.oci.gcpolicy']],
    ['a name of every object', 'valueOf = 1\ntoString = 2', ['valueOf', 'toString']],
  ])('with %s is refused', (_name, text, refused) => {
    expect(read(text).refused).toEqual(refused);
  });

  it('is read whatever it holds, and keeps nothing that it refuses', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (document) => {
        const { kept } = readBuildkitdConfig(document);
        expect(readBuildkitdConfig(kept)).toEqual({ kept, refused: [] });
      }),
    );
  });
});

const hasGo = ((): boolean => {
  try {
    execFileSync('go', ['version'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
})();

/** What a pool may choose, by the names of buildkitd's own structures. */
const chosen: Readonly<Record<string, readonly string[]>> = {
  '': ['Debug', 'Trace', 'Log', 'DNS', 'History', 'Frontends', 'System'],
  'Workers.OCI': [
    'Labels',
    'Platforms',
    'GC',
    'GCKeepStorage',
    'GCReservedSpace',
    'GCMaxUsedSpace',
    'GCMinFreeSpace',
    'GCPolicy',
    'MaxParallelism',
  ],
};

/** Of what buildkitd read, all that is not for a pool to choose. */
function restOf(config: JsonObject, path = ''): JsonObject {
  const others = Object.entries(config).filter(([key]) => !(chosen[path] ?? []).includes(key));
  return Object.fromEntries(
    others.map(([key, value]) => {
      if (key === 'Registries')
        return [
          key,
          Object.values((value ?? {}) as JsonObject).map((one) => ({
            ...(one as JsonObject),
            Mirrors: null,
            PlainHTTP: null,
            Insecure: null,
          })),
        ];
      return [key, isJsonObject(value) ? restOf(value, path === '' ? key : `${path}.${key}`) : value];
    }),
  );
}

describe.skipIf(!hasGo)('buildkitd itself, of the pinned release (it needs Go)', () => {
  let folder: string;
  let load: (documents: readonly string[]) => readonly { readonly Config: JsonObject | null; readonly Error: string }[];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'buildkit-config-'));
    const program = join(folder, 'load');
    const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' };
    execFileSync('go', ['build', '-o', program, '.'], {
      cwd: join(import.meta.dirname, '../../go/buildkit-config'),
      env,
      stdio: 'pipe',
    });
    load = (documents) =>
      JSON.parse(execFileSync(program, { input: JSON.stringify(documents) }).toString()) as ReturnType<typeof load>;
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  it('reads the names in any case, so that each of the held settings does harm in each of them', () => {
    const [empty] = load(['']);
    const documents = dresses.flatMap(([, how]) => held.map(([, text]) => dress(text, how)));
    for (const [index, { Config: config }] of load(documents).entries()) {
      expect([documents[index], restOf(config ?? {})]).not.toEqual([documents[index], restOf(empty?.Config ?? {})]);
    }
  });

  it('finds nothing but what a pool may choose in what is accepted, and all of it in what is kept', () => {
    const [empty] = load(['']);
    const documents = dresses.map(([, how]) => dress(everything, how).replace(/team/gi, 'team'));
    const kept = documents.map((text) => stringify(read(text).kept));
    const asWritten = load(documents);
    for (const [index, { Config: config, Error: error }] of load(kept).entries()) {
      expect([error, config]).toEqual(['', asWritten[index]?.Config]);
      expect(restOf(config ?? {}, '')).toMatchObject({
        ...restOf(empty?.Config ?? {}),
        Registries: [{ RootCAs: null, KeyPairs: null, TLSConfigDir: null }],
      });
    }
  });

  it('finds none of the held settings in what is kept of a document that has them all', () => {
    const [empty] = load(['']);
    const kept = dresses.flatMap(([, how]) => held.map(([, text]) => stringify(read(dress(text, how)).kept)));
    for (const { Config: config } of load(kept)) {
      expect({ ...restOf(config ?? {}), Registries: [] }).toEqual({ ...restOf(empty?.Config ?? {}), Registries: [] });
    }
  });
});
