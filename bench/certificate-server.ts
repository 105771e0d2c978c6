/**
 * The certificate function on a loopback port, with ports that answer at once: what remains is reading, deciding, making,
 * checking and writing.
 */
import { randomUUID } from 'node:crypto';
import { createCertificateMetrics } from '../adapters/observe/certificate-metrics.ts';
import { readVariables } from '../adapters/environment.ts';
import { serveHttp } from '../adapters/serve.ts';
import { createClientIssuer } from '../adapters/x509/client-issuer.ts';
import { readCsr } from '../adapters/x509/csr.ts';
import type { DecisionReads } from '../core/certificates/decide.ts';
import { createCertificatesApp } from '../functions/certificates/app.ts';

const { CA_FOLDER, CLUSTER_FQDN } = readVariables(['CA_FOLDER', 'CLUSTER_FQDN']);
const reads: DecisionReads = {
  reviewAccess: () => Promise.resolve(true),
  getNamespaceLabels: () => Promise.resolve({}),
  getPool: ({ name }) =>
    Promise.resolve({ metadata: { uid: `${name}-3c1f9a52-7c1e-4f0e-9a52-7c1e4f0e9a52` }, spec: {} }),
};
const app = createCertificatesApp({
  authenticate: () =>
    Promise.resolve({ kind: 'known', principal: { user: { username: 'system:serviceaccount:tenant-a:default' } } }),
  openReads: () => reads,
  readCsr,
  issue: createClientIssuer({ caFolder: CA_FOLDER, clusterFqdn: CLUSTER_FQDN, now: Date.now }),
  startRequest: createCertificateMetrics(CA_FOLDER).startRequest,
  now: Date.now,
  newRequestId: randomUUID,
  log: { info: () => undefined, error: () => undefined },
});
const { port } = await serveHttp({ app, port: 0, hostname: '127.0.0.1' });
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuSeconds: (user + system) / 1e6 });
});
process.send?.({ port });
