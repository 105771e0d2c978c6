/** The service `api`: the apps that clients call, over real ports. */
import { randomUUID } from 'node:crypto';
import {
  inClusterKube,
  KUBE_VARIABLES,
  readListener,
  readMetricsListener,
  readPrivateIssuers,
  readTransport,
  readVariables,
  type PrivateIssuers,
} from '../../adapters/environment.ts';
import { followTrace } from '../../adapters/activity.ts';
import { createKubeClient, type KubeClientOptions } from '../../adapters/kube/client.ts';
import { createClusterTokenCheck, readClusterIssuer } from '../../adapters/kube/cluster-keys.ts';
import { createClusterAuthenticator } from '../../adapters/kube/token-review.ts';
import { createLog, type Log } from '../../adapters/log.ts';
import { createAuthenticator } from '../../adapters/oidc/authenticator.ts';
import { createFetch } from '../../adapters/oidc/fetch.ts';
import { createCertificateMetrics, type CertificateMetrics } from '../../adapters/observe/certificate-metrics.ts';
import { serveOperations } from '../../adapters/observe/serve-operations.ts';
import { onTermination, serveHttp, serveHttps } from '../../adapters/serve.ts';
import { createSharedLookups } from '../../adapters/shared-lookups.ts';
import { openTlsFolder } from '../../adapters/tls-folder.ts';
import { createClientIssuer } from '../../adapters/x509/client-issuer.ts';
import { readCsr } from '../../adapters/x509/csr.ts';
import { FIELD_MANAGERS, TOKEN_AUDIENCE } from '../../api/names.ts';
import { parseClusterFqdn } from '../../core/certificates/profile.ts';
import { wireAllocation } from '../allocation/main.ts';
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
  readonly app: { readonly fetch: (request: Request) => Response | Promise<Response> };
  readonly metrics: CertificateMetrics;
  readonly close: () => void;
}

/** @throws {Error} for a cluster FQDN that is none, or an account folder that can't be read. */
export async function wireApi(config: ApiConfig, log: Log): Promise<Api> {
  const clusterFqdn = parseClusterFqdn(config.clusterFqdn);
  if (!clusterFqdn.ok) throw new Error(clusterFqdn.error);
  const now = Date.now;
  const issuer = await readClusterIssuer(config.kube.accountFolder);
  const metrics = createCertificateMetrics(config.caFolder);
  const kube = await createKubeClient(config.kube, {
    fieldManager: FIELD_MANAGERS.api,
    observe: metrics.observeCall,
  });
  const { privateIssuers } = config;
  const lookups = createSharedLookups(kube);
  const isClusterToken = createClusterTokenCheck(kube, { accountFolder: config.kube.accountFolder, now });
  const app = createCertificatesApp({
    authenticate: createAuthenticator({
      kube,
      authenticateInCluster: createClusterAuthenticator(kube, {
        audience: TOKEN_AUDIENCE,
        isClusterToken,
        now,
      }),
      policy: { clusterIssuer: issuer, isPrivateAllowed: privateIssuers.isAllowed },
      fetchDocument: createFetch({ privateCaFile: privateIssuers.caFile }),
      now,
    }),
    openReads: lookups,
    readCsr,
    issue: createClientIssuer({ caFolder: config.caFolder, clusterFqdn: clusterFqdn.value, now }),
    startRequest: metrics.startRequest,
    now,
    newRequestId: randomUUID,
    log,
  });
  const allocation = wireAllocation(
    { kube, lookups, isClusterToken, clusterFqdn: clusterFqdn.value, caFolder: config.caFolder },
    log,
  );
  const isAllocation = ({ url }: Request) => new URL(url).pathname.startsWith('/allocation/');
  const answer = (request: Request) => (isAllocation(request) ? allocation : app).fetch(request);
  const traced = { fetch: (request: Request) => followTrace(request, () => answer(request)) };
  return { app: traced, metrics, close: kube.close };
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
  const { app, metrics, close } = await wireApi(config, log);
  const tls = transport.kind === 'tls' ? await openTlsFolder(transport.folder, log) : undefined;
  if (tls !== undefined) metrics.showServingCertificate(() => tls.validity().notAfter);
  const server =
    tls === undefined ? await serveHttp({ app, ...listener }) : await serveHttps({ app, ...listener, tls });
  const operations = await serveOperations(metrics, readMetricsListener());
  log.info({ port: server.port, transport: transport.kind }, 'api listens');
  onTermination(async () => {
    await Promise.all([server.close(), operations.close()]);
    close();
  });
}
