/** The service `api`: the apps that clients call, over real ports. */
import { randomUUID } from 'node:crypto';
import { createCertificateMetrics } from '../../adapters/certificate-metrics.ts';
import {
  inClusterKube,
  KUBE_VARIABLES,
  readListener,
  readPrivateIssuers,
  readTransport,
  readVariables,
  type PrivateIssuers,
} from '../../adapters/environment.ts';
import { createAccessReviewer } from '../../adapters/kube/access-review.ts';
import { createKubeClient, type KubeClientOptions } from '../../adapters/kube/client.ts';
import { createNamespaceReader } from '../../adapters/kube/namespaces.ts';
import { createPoolReader } from '../../adapters/kube/pools.ts';
import { createTokenReviewer, readClusterIssuer } from '../../adapters/kube/token-review.ts';
import { createLog, type Log } from '../../adapters/log.ts';
import { createAuthenticator } from '../../adapters/oidc/authenticator.ts';
import { createFetch } from '../../adapters/oidc/fetch.ts';
import { onTermination, serveHttp, serveHttps } from '../../adapters/serve.ts';
import { openTlsFolder } from '../../adapters/tls-folder.ts';
import { createClientIssuer } from '../../adapters/x509/client-issuer.ts';
import { readCsr } from '../../adapters/x509/csr.ts';
import { TOKEN_AUDIENCE } from '../../api/names.ts';
import { parseClusterFqdn } from '../../core/certificates/profile.ts';
import { createCertificatesApp } from '../certificates/app.ts';

export interface ApiConfig {
  readonly kube: KubeClientOptions;
  /** Names this cluster in every certificate; at least one dot. */
  readonly clusterFqdn: string;
  /** Folder with `tls.crt` and `tls.key` of the client CA. It may be filled later: until then requests get 503. */
  readonly caFolder: string;
  readonly privateIssuers: PrivateIssuers;
}

export interface Api {
  readonly app: ReturnType<typeof createCertificatesApp>;
  readonly close: () => void;
}

/** @throws {Error} for a cluster FQDN that is none, or an account folder that can't be read. */
export async function wireApi(config: ApiConfig, log: Log): Promise<Api> {
  const clusterFqdn = parseClusterFqdn(config.clusterFqdn);
  if (!clusterFqdn.ok) throw new Error(clusterFqdn.error);
  const now = Date.now;
  const issuer = await readClusterIssuer(config.kube.accountFolder);
  const kube = await createKubeClient(config.kube);
  const { privateIssuers } = config;
  const app = createCertificatesApp({
    authenticate: createAuthenticator({
      kube,
      reviewToken: createTokenReviewer(kube, { audience: TOKEN_AUDIENCE, issuer, now }),
      policy: { clusterIssuer: issuer, isPrivateAllowed: privateIssuers.isAllowed },
      fetchDocument: createFetch({ privateCaFile: privateIssuers.caFile }),
      now,
    }),
    reviewAccess: createAccessReviewer(kube),
    getNamespaceLabels: createNamespaceReader(kube),
    getPool: createPoolReader(kube),
    readCsr,
    issue: createClientIssuer({ caFolder: config.caFolder, clusterFqdn: clusterFqdn.value, now }),
    ...createCertificateMetrics(),
    now,
    newRequestId: randomUUID,
    log,
  });
  return { app, close: kube.close };
}

if (import.meta.main) {
  const { CLUSTER_FQDN: clusterFqdn, CA_FOLDER: caFolder } = readVariables([
    ...KUBE_VARIABLES,
    'PORT',
    'CLUSTER_FQDN',
    'CA_FOLDER',
    'PRIVATE_ISSUERS',
  ]);
  const [listener, transport, log] = [readListener(), readTransport(), createLog('api')];
  const config = { kube: inClusterKube(), clusterFqdn, caFolder, privateIssuers: readPrivateIssuers() };
  const { app, close } = await wireApi(config, log);
  const server =
    transport.kind === 'tls'
      ? await serveHttps({ app, ...listener, tls: await openTlsFolder(transport.folder, log) })
      : await serveHttp({ app, ...listener });
  log.info({ port: server.port, transport: transport.kind }, 'api listens');
  onTermination(async () => {
    await server.close();
    close();
  });
}
