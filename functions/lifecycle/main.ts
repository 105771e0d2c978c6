/** The lifecycle function over real ports. */
import type { Hono } from 'hono';
import {
  inClusterKube,
  KUBE_VARIABLES,
  readEventSenders,
  readListener,
  readSwitch,
  readVariables,
} from '../../adapters/environment.ts';
import { createClock } from '../../adapters/clock.ts';
import { createAccessReviewer } from '../../adapters/kube/access-review.ts';
import { createKubeClient, type KubeClientOptions } from '../../adapters/kube/client.ts';
import { createSenderCheck, type EventSenders } from '../../adapters/kube/event-senders.ts';
import { createPoolReferenceStore } from '../../adapters/kube/pool-references.ts';
import { createTokenReviewer, readClusterIssuer } from '../../adapters/kube/token-review.ts';
import { createLog, type Log } from '../../adapters/log.ts';
import { onTermination, serveHttp } from '../../adapters/serve.ts';
import { TOKEN_AUDIENCE, VERBS } from '../../api/names.ts';
import { createLifecycleApp } from './app.ts';
import { createRecompute } from './recompute.ts';

export interface LifecycleConfig {
  readonly kube: KubeClientOptions;
  readonly senders: EventSenders;
  /** Whether the right to attach lets a worker in, as in admission. */
  readonly isAttachCounted: boolean;
  readonly now: () => Date;
}

export interface WiredLifecycle {
  readonly app: Hono;
  /** Whoever waits for a resync that has not begun is told to come again: elsewhere, since this process is to end. */
  readonly drain: () => void;
  readonly close: () => void;
}

export async function wireLifecycle(config: LifecycleConfig, log: Log): Promise<WiredLifecycle> {
  const { kube: options, senders, isAttachCounted, now } = config;
  const kube = await createKubeClient(options);
  const issuer = await readClusterIssuer(options.accountFolder);
  const authenticate = createTokenReviewer(kube, { audience: TOKEN_AUDIENCE, issuer, now: Date.now });
  const store = createPoolReferenceStore(kube);
  const hasRight = createAccessReviewer(kube);
  const { clock, drain } = createClock();
  const app = createLifecycleApp({
    recompute: createRecompute({
      ...store,
      mayAttach: isAttachCounted ? (user, pool) => hasRight(user, { verb: VERBS.attach, ...pool }) : undefined,
      now,
    }),
    listPools: store.listPools,
    authenticateSender: createSenderCheck(authenticate, senders),
    clock,
    log,
  });
  return { app, drain, close: kube.close };
}

if (import.meta.main) {
  readVariables([...KUBE_VARIABLES, 'PORT', 'EVENT_SENDERS', 'COUNT_ATTACH']);
  const listener = readListener();
  const config = {
    kube: inClusterKube(),
    senders: readEventSenders(),
    isAttachCounted: readSwitch('COUNT_ATTACH'),
    now: () => new Date(),
  };
  const { app, drain, close } = await wireLifecycle(config, createLog('lifecycle'));
  const server = await serveHttp({ app, ...listener });
  onTermination(async () => {
    drain();
    await server.close();
    close();
  });
}
