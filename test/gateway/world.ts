/** A gateway in this process between real TLS sockets, with the certificates of a whole cluster. */
import { hash, X509Certificate } from 'node:crypto';
import { createFunctions } from '../../adapters/gateway/functions.ts';
import { requestKeys } from '../../adapters/gateway/keys.ts';
import { createPost } from '../../adapters/gateway/post.ts';
import { readShown } from '../../adapters/gateway/shown.ts';
import { createGatewayMetrics } from '../../adapters/observe/gateway-metrics.ts';
import { makeIntermediate, makeRoot } from '../../adapters/x509/authorities.ts';
import { readCsr } from '../../adapters/x509/csr.ts';
import { generateKeyPair } from '../../adapters/x509/keys.ts';
import { toPem } from '../../adapters/x509/pem.ts';
import { issue, loadSigner, makeSerial, type TlsPair } from '../../adapters/x509/signer.ts';
import type { GatewayKeysRequest } from '../../api/http/keys.ts';
import type { Routes } from '../../api/routes.ts';
import { formatClientUris } from '../../core/certificates/client-uris.ts';
import { makeServerCaProfile, type CertificateProfile } from '../../core/certificates/profile.ts';
import type { WatchedPool } from '../../core/gateway/client.ts';
import { createCounters } from '../../core/gateway/counters.ts';
import type { SubjectKey } from '../../core/certificates/issued.ts';
import type { Network } from '../../core/ip-address.ts';
import type { ConnectionRecord } from '../../gateway/connection.ts';
import { createGateway, type Gateway } from '../../gateway/gateway.ts';
import { holdKeys } from '../../gateway/keys.ts';
import type { Listening } from '../../gateway/listen.ts';
import { createReporter } from '../../gateway/report.ts';
import { startFunctions, type Functions } from './functions.ts';
import { makeClientCa } from '../adapters/x509/client-ca.ts';

export const clusterFqdn = 'dev.buildkit.internal';
export const ownPool = { namespace: 'tenant-a', name: 'pool', uid: '11111111-1111-4111-8111-111111111111' };
const nowSeconds = Math.floor(Date.now() / 1000);

/** Every CA of a cluster, and the leaves that tests need of them. */
export function createCas() {
  const { root, clients } = makeClientCa(clusterFqdn, nowSeconds);
  const servers = makeIntermediate(root, makeServerCaProfile, { clusterFqdn, nowSeconds });
  /** Of the gateways of the pool. */
  const gateways = makeRoot(
    (issuance) => ({
      ...makeServerCaProfile({ ...issuance, clusterFqdn, issuerNotAfter: nowSeconds + 86_400 }),
      extendedKeyUsage: [],
    }),
    nowSeconds,
  );
  return { root, clients, servers, gateways };
}
export type Cas = ReturnType<typeof createCas>;

/** PEM: the leaf, and after it the CA where `isWhole`. */
export function makeLeaf(ca: TlsPair, change: Partial<CertificateProfile>, isWhole = true): TlsPair {
  const pair = generateKeyPair();
  return { certificate: sign(ca, change, pair, isWhole), key: toPem('PRIVATE KEY', pair.privateKey) };
}

function sign(ca: TlsPair, change: Partial<CertificateProfile>, subject: SubjectKey, isWhole: boolean): string {
  const profile: CertificateProfile = {
    serial: makeSerial(),
    subject: { commonName: 'test' },
    notBefore: nowSeconds - 60,
    notAfter: nowSeconds + 3600,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['clientAuth'],
    names: [],
    ...change,
  };
  const certificate = toPem('CERTIFICATE', issue(loadSigner(ca), profile, subject));
  return isWhole ? certificate + ca.certificate : certificate;
}

const uriNames = (uris: readonly string[]) => uris.map((value) => ({ kind: 'uri' as const, value }));

export const defaultPrincipal = 'system:serviceaccount:tenant-a:builder';

export const makeClient = (
  cas: Cas,
  {
    pools = [ownPool],
    principal = defaultPrincipal,
    isWhole = true,
    ...change
  }: Partial<CertificateProfile> & {
    readonly pools?: readonly (typeof ownPool)[];
    readonly principal?: string;
    readonly isWhole?: boolean;
  } = {},
): TlsPair =>
  makeLeaf(
    cas.clients,
    { names: uriNames(formatClientUris(clusterFqdn, { pools, principal, domainHash: 'a'.repeat(64) })), ...change },
    isWhole,
  );

export const workerIdentity = (name: string): string =>
  `buildkit://${clusterFqdn}/ns/tenant-a/worker/${name}/uid/uid-of-${name}`;

/** What a worker serves with. */
export const makeWorkerPair = (cas: Cas, name: string): TlsPair =>
  makeLeaf(cas.servers, { extendedKeyUsage: ['serverAuth'], names: uriNames([workerIdentity(name)]) });

export const leaseOf = ({ certificate }: TlsPair): string =>
  hash('sha256', new X509Certificate(certificate).raw).slice(0, 32);

export interface World extends Omit<Functions, 'url' | 'tokenFile'> {
  readonly port: number;
  readonly cas: Cas;
  readonly gateway: Gateway;
  readonly listening: Listening;
  readonly records: ConnectionRecord[];
  readonly ended: string[];
  /** For the gateway, so much more time has passed. */
  readonly advance: (ms: number) => void;
  readonly setPool: (spec?: WatchedPool['spec'], metadata?: object) => void;
  readonly setRoutes: (routes: Routes) => void;
}

export interface WorldOptions {
  readonly cas?: Cas;
  readonly proxies?: readonly Network[];
  readonly maxConnections?: number;
}

export async function startWorld({
  cas = createCas(),
  proxies = [],
  maxConnections = 500,
}: WorldOptions = {}): Promise<World> {
  const functions = await startFunctions((request) => signKeys(cas, request));
  const { url, tokenFile } = functions;
  let passedMs = 0;
  const calls = createFunctions(createPost({ tokenFile, caFile: undefined }), {
    api: url,
    lifecycle: url,
    status: url,
  });
  const ending = new AbortController();
  const log = { info: () => undefined, warn: () => undefined };
  const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 100));
  const keys = await holdKeys({
    requestKeys: () => requestKeys(calls, ownPool.name),
    pause,
    signal: ending.signal,
    log,
  });
  const metrics = createGatewayMetrics();
  const records: ConnectionRecord[] = [];
  const ended: string[] = [];
  const counters = createCounters(new Date());
  const reporter = createReporter({
    counters,
    send: (report) => calls.report(ownPool.name, report),
    pause,
    signal: ending.signal,
    log,
  });
  const gateway = createGateway(
    { port: 0, hostname: '127.0.0.1', clusterFqdn, keys, proxies, maxConnections },
    {
      readShown,
      askForLease: calls.askForLease,
      renew: (leases) => calls.renewLeases({ pool: ownPool.name, leases: [...leases] }),
      counters,
      onCounted: reporter.changed,
      now: () => performance.now() + passedMs,
      metrics: {
        served: metrics.served,
        ended: (record) => {
          records.push(record);
          metrics.ended(record);
        },
        endedEarly: (why) => ended.push(why),
      },
      log,
    },
  );
  const setPool: World['setPool'] = (spec = {}, metadata = {}) => {
    gateway.setPool({ metadata: { ...ownPool, ...metadata }, spec });
  };
  setPool();
  const listening = await gateway.listen();
  return {
    ...functions,
    port: listening.port,
    cas,
    gateway,
    listening,
    records,
    ended,
    advance: (ms) => (passedMs += ms),
    setPool,
    setRoutes: gateway.setRoutes,
    [Symbol.asyncDispose]: async () => {
      listening.stop();
      ending.abort();
      gateway.close();
      await functions[Symbol.asyncDispose]();
    },
  };
}

/** As `lifecycle` does for a gateway. */
export function signKeys(cas: Cas, request: GatewayKeysRequest): object {
  const signCsr = (csr: string, ca: TlsPair, change: Partial<CertificateProfile>): string => {
    const key = readCsr(csr);
    if (!key.ok) throw new Error(`CSR: expected ${key.error.expected}, got ${key.error.got}`);
    return sign(ca, change, key.value, true);
  };
  return {
    server: signCsr(request.serverCsr, cas.servers, {
      extendedKeyUsage: ['serverAuth'],
      names: [
        { kind: 'dns', value: 'localhost' },
        { kind: 'ipv4', value: '127.0.0.1' },
      ],
    }),
    client: signCsr(request.clientCsr, cas.gateways, {}),
    clientCa: cas.root.certificate,
    serverCa: cas.root.certificate,
  };
}
