/** What the certificates of gateways and workers say. No I/O. No clock. No randomness. */
import { certificateBackdateSeconds } from '../../api/limits/certificates.ts';
import { gatewayLeafTtlSeconds, poolCaTtlSeconds, workerLeafTtlSeconds } from '../../api/limits/lifecycle.ts';
import { formatPoolUri, type PoolIdentity } from './client-uris.ts';
import type { CertificateProfile, SubjectName } from './profile.ts';

/** A worker as it is: the UID tells it from one that had the same name. */
export interface WorkerIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** `buildkit://<cluster-fqdn>/ns/<namespace>/worker/<name>/uid/<uid>` */
export const formatWorkerUri = (clusterFqdn: string, { namespace, name, uid }: WorkerIdentity): string =>
  `buildkit://${clusterFqdn}/ns/${namespace}/worker/${name}/uid/${uid}`;

export interface LeafFacts {
  readonly clusterFqdn: string;
  readonly serial: Uint8Array;
  readonly nowSeconds: number;
  /** End of the certificate that signs. */
  readonly issuerNotAfter: number;
}

/** Shown to a gateway, which compares the URI: a Pod that got the address of another is not taken for it. */
export const makeWorkerProfile = (facts: LeafFacts, worker: WorkerIdentity): CertificateProfile => ({
  ...leaf(facts, workerLeafTtlSeconds),
  subject: { commonName: 'buildkit-worker' },
  extendedKeyUsage: ['serverAuth'],
  names: [{ kind: 'uri', value: formatWorkerUri(facts.clusterFqdn, worker) }],
});

export interface GatewayServer {
  /** O of its subject, where the pool's owner wants one. */
  readonly organization?: string | undefined;
  readonly ttlSeconds?: number | undefined;
  /** DNS names clients connect to. */
  readonly hostnames: readonly string[];
}

/** Shown to clients. */
export const makeGatewayServerProfile = (
  facts: LeafFacts,
  { organization, ttlSeconds = gatewayLeafTtlSeconds, hostnames }: GatewayServer,
): CertificateProfile => ({
  ...leaf(facts, ttlSeconds),
  subject: { ...(organization === undefined ? {} : { organization }), commonName: 'buildkit-gateway' },
  extendedKeyUsage: ['serverAuth'],
  names: hostnames.map((value): SubjectName => ({ kind: 'dns', value })),
});

/** Shown to workers of the pool. */
export const makeGatewayClientProfile = (facts: LeafFacts, pool: PoolIdentity): CertificateProfile => ({
  ...leaf(facts, gatewayLeafTtlSeconds),
  subject: { commonName: 'buildkit-gateway' },
  extendedKeyUsage: ['clientAuth'],
  names: [{ kind: 'uri', value: formatPoolUri(facts.clusterFqdn, pool) }],
});

const leaf = ({ serial, nowSeconds, issuerNotAfter }: LeafFacts, ttlSeconds: number) => ({
  serial,
  notBefore: nowSeconds - certificateBackdateSeconds,
  notAfter: Math.min(nowSeconds + ttlSeconds, issuerNotAfter),
  keyUsage: ['digitalSignature'] as const,
});

/** Signs the gateways of one pool: a worker lets in whom this CA signed, and nobody else. */
export const makePoolCaProfile =
  (poolUid: string) =>
  ({ serial, nowSeconds }: Pick<LeafFacts, 'serial' | 'nowSeconds'>): CertificateProfile => ({
    serial,
    subject: { commonName: `buildkit-controller pool ${poolUid}` },
    notBefore: nowSeconds - certificateBackdateSeconds,
    notAfter: nowSeconds + poolCaTtlSeconds,
    ca: { pathLength: 0 },
    keyUsage: ['keyCertSign', 'cRLSign'],
    extendedKeyUsage: [],
    names: [],
  });
