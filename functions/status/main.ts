/** The status function over real ports. */
import type { Hono } from 'hono';
import { inClusterKube, KUBE_VARIABLES, readListener, readVariables } from '../../adapters/environment.ts';
import { createKubeClient, type KubeClientOptions } from '../../adapters/kube/client.ts';
import { createSenderCheck } from '../../adapters/kube/event-senders.ts';
import { createPoolStatusStore } from '../../adapters/kube/pool-status.ts';
import { createTokenReviewer, readClusterIssuer } from '../../adapters/kube/token-review.ts';
import { createLog, type Log } from '../../adapters/log.ts';
import { onTermination, serveHttp } from '../../adapters/serve.ts';
import { TOKEN_AUDIENCE } from '../../api/names.ts';
import { createStatusApp } from './app.ts';
import { createRecompute } from './recompute.ts';
import { createRecorder } from './record.ts';

export interface StatusConfig {
  readonly kube: KubeClientOptions;
  /** User names that may send events. */
  readonly senders: readonly string[];
}

export interface WiredStatus {
  readonly app: Hono;
  readonly close: () => void;
}

export async function wireStatus({ kube: options, senders }: StatusConfig, log: Log): Promise<WiredStatus> {
  const kube = await createKubeClient(options);
  const issuer = await readClusterIssuer(options.accountFolder);
  const store = createPoolStatusStore(kube);
  const authenticate = createTokenReviewer(kube, { audience: TOKEN_AUDIENCE, issuer, now: Date.now });
  const now = () => new Date();
  const app = createStatusApp({
    recompute: createRecompute({ ...store, now }),
    record: createRecorder({ gather: store.gatherWithPods, apply: store.apply, now }),
    listPools: store.listPools,
    authenticate,
    authenticateSender: createSenderCheck(authenticate, senders),
    log,
  });
  return { app, close: kube.close };
}

if (import.meta.main) {
  const { EVENT_SENDERS } = readVariables([...KUBE_VARIABLES, 'PORT', 'EVENT_SENDERS']);
  const listener = readListener();
  const config = { kube: inClusterKube(), senders: EVENT_SENDERS.split(',') };
  const { app, close } = await wireStatus(config, createLog('status'));
  const server = await serveHttp({ app, ...listener });
  onTermination(async () => {
    await server.close();
    close();
  });
}
