/** Signs the keys of gateways and workers: servers by the intermediate that is mounted, clients by the CA of the pool. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SubjectKey } from '../../core/certificates/issued.ts';
import {
  makeGatewayClientProfile,
  makeGatewayServerProfile,
  makePoolCaProfile,
  makeWorkerProfile,
  type GatewayServer,
  type LeafFacts,
  type WorkerIdentity,
} from '../../core/certificates/lifecycle.ts';
import type { PoolIdentity } from '../../core/certificates/client-uris.ts';
import type { CertificateProfile } from '../../core/certificates/profile.ts';
import { splitBundle } from '../../core/authority/bundle.ts';
import { isSignedBy, makeRoot } from './authorities.ts';
import { toPem } from './pem.ts';
import { issue, loadSigner, makeSerial, type Signer, type TlsPair } from './signer.ts';

export interface LifecycleIssuerOptions {
  /** Folder with `tls.crt` and `tls.key` of the intermediate for servers and `ca.crt`, the roots, as a Pod mounts them. */
  readonly caFolder: string;
  readonly clusterFqdn: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface LifecycleIssuer {
  /** PEM of the roots to trust. @throws while there are none. */
  readonly readRoots: () => Promise<string>;
  readonly makePoolCa: (poolUid: string) => TlsPair;
  /** Chains in PEM begin with the leaf. @throws while there is no CA that can sign. */
  readonly signWorker: (key: SubjectKey, worker: WorkerIdentity) => Promise<string>;
  readonly signGatewayServer: (key: SubjectKey, server: GatewayServer) => Promise<string>;
  readonly signGatewayClient: (key: SubjectKey, pool: PoolIdentity, poolCa: TlsPair) => string;
}

export function createLifecycleIssuer({ caFolder, clusterFqdn, now }: LifecycleIssuerOptions): LifecycleIssuer {
  const nowSeconds = (): number => Math.floor(now() / 1000);
  const read = (name: string): Promise<string> => readFile(join(caFolder, name), 'utf8');
  const facts = ({ notAfter }: Signer): LeafFacts => {
    if (notAfter <= nowSeconds()) throw new Error('CA: expected one that is valid now, got one that has ended');
    return { clusterFqdn, serial: makeSerial(), nowSeconds: nowSeconds(), issuerNotAfter: notAfter };
  };
  const sign = (ca: TlsPair, makeProfile: (facts: LeafFacts) => CertificateProfile, key: SubjectKey): string => {
    const signer = loadSigner(ca);
    return toPem('CERTIFICATE', issue(signer, makeProfile(facts(signer)), key));
  };
  const loadServers = async (): Promise<TlsPair> => {
    const [certificate, key, roots] = await Promise.all([read('tls.crt'), read('tls.key'), read('ca.crt')]);
    if (!splitBundle(roots).some((root) => isSignedBy(certificate, root))) {
      throw new Error('CA for servers: expected one signed by a root of ca.crt');
    }
    return { certificate, key };
  };
  const signServer = async (key: SubjectKey, makeProfile: (facts: LeafFacts) => CertificateProfile) => {
    // The files are exchanged while they are read, now and then: what does not fit together is read once more.
    const ca = await loadServers().catch(loadServers);
    return sign(ca, makeProfile, key) + ca.certificate;
  };
  return {
    readRoots: () => read('ca.crt'),
    makePoolCa: (poolUid) => makeRoot(makePoolCaProfile(poolUid), nowSeconds()),
    signWorker: (key, worker) => signServer(key, (known) => makeWorkerProfile(known, worker)),
    signGatewayServer: (key, server) => signServer(key, (known) => makeGatewayServerProfile(known, server)),
    signGatewayClient: (key, pool, poolCa) => sign(poolCa, (known) => makeGatewayClientProfile(known, pool), key),
  };
}
