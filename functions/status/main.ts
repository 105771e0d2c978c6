/** The status function over real ports. */
import type { Hono } from 'hono';
import {
  inClusterKube,
  KUBE_VARIABLES,
  readEventSenders,
  readListener,
  readMetricsListener,
  readPrivateIssuers,
  readVariables,
  type PrivateIssuers,
} from '../../adapters/environment.ts';
import { createClock } from '../../adapters/clock.ts';
import { applyStatus } from '../../adapters/kube/apply-status.ts';
import { createKubeClient, type KubeClientOptions } from '../../adapters/kube/client.ts';
import { createSenderCheck, type EventSenders } from '../../adapters/kube/event-senders.ts';
import { listOidcConfigs } from '../../adapters/kube/oidc-configs.ts';
import { createPoolStatusStore } from '../../adapters/kube/pool-status.ts';
import { beginSurvey } from '../../adapters/kube/pool-survey.ts';
import { listReferrers } from '../../adapters/kube/pools.ts';
import { createClusterTokenCheck, readClusterIssuer } from '../../adapters/kube/cluster-keys.ts';
import { oidcConfigs } from '../../adapters/kube/resources.ts';
import { createTokenReviewer } from '../../adapters/kube/token-review.ts';
import { createLog, type Log } from '../../adapters/log.ts';
import { createFetch } from '../../adapters/oidc/fetch.ts';
import { createIssuerKeys } from '../../adapters/oidc/keys.ts';
import { createFunctionMetrics, type FunctionMetrics } from '../../adapters/observe/function-metrics.ts';
import { createFunctionObserver } from '../../adapters/observe/function.ts';
import { serveOperations } from '../../adapters/observe/serve-operations.ts';
import { onTermination, serveHttp } from '../../adapters/serve.ts';
import type { OidcConfig } from '../../api/v1beta1/oidc-config.ts';
import type { OidcConfigStatus } from '../../api/status.ts';
import { FIELD_MANAGERS, KINDS, STATUS_EVENTS_PATH, STATUS_REPORTS_PATH, TOKEN_AUDIENCE } from '../../api/names.ts';
import type { Clock } from '../../core/events/throttle.ts';
import { makeOidcConfigEvents } from '../../core/kubernetes-events/oidc-config.ts';
import { makePoolEvents } from '../../core/kubernetes-events/pool.ts';
import { createRecomputeCache } from '../../core/status/recompute-cache.ts';
import type { ApplyResult } from '../../core/status/observed.ts';
import { createStatusApp } from './app.ts';
import { createRecompute } from './recompute.ts';
import { createRecomputeConfigs } from './recompute-configs.ts';
import { createRecorder } from './record.ts';
import { createResync } from './resync.ts';

export interface StatusConfig {
  readonly kube: KubeClientOptions;
  readonly senders: EventSenders;
  readonly privateIssuers: PrivateIssuers;
  /** Throttles resyncs. When it ends, callers that wait get 503 and retry elsewhere. */
  readonly clock: Clock;
}

export interface WiredStatus {
  readonly app: Hono;
  readonly metrics: FunctionMetrics;
  readonly close: () => void;
}

export async function wireStatus(config: StatusConfig, log: Log): Promise<WiredStatus> {
  const { kube: options, senders, privateIssuers, clock } = config;
  const metrics = createFunctionMetrics('status');
  const kube = await createKubeClient(options, {
    fieldManager: FIELD_MANAGERS.status,
    observe: metrics.observeCall,
  });
  const observe = createFunctionObserver({ part: 'status', kube, metrics, log });
  const issuer = await readClusterIssuer(options.accountFolder);
  const store = createPoolStatusStore(kube);
  const observeApply = (write: typeof store.apply) =>
    observe.write({ kind: KINDS.pool.kind, write, makeEvents: makePoolEvents });
  const apply = observeApply(store.apply);
  const survey = () => {
    const { gather, apply } = beginSurvey(kube);
    return { gather, apply: observeApply(apply) };
  };
  const authenticate = createTokenReviewer(kube, {
    audience: TOKEN_AUDIENCE,
    isClusterToken: createClusterTokenCheck(kube, { accountFolder: options.accountFolder, now: Date.now }),
    now: Date.now,
  });
  const now = () => new Date();
  const keys = createIssuerKeys(createFetch({ privateCaFile: privateIssuers.caFile }), Date.now);
  const cache = createRecomputeCache();
  const recomputeConfigs = createRecomputeConfigs({
    listConfigs: (namespace) => listOidcConfigs(kube, namespace),
    findFault: async (named) => {
      const read = await keys.read(named);
      return read.ok ? undefined : read.error;
    },
    apply: observe.write<OidcConfig, OidcConfigStatus, ApplyResult>({
      kind: KINDS.oidcConfig.kind,
      write: ({ metadata }, status) => applyStatus(oidcConfigs(kube), { metadata, status }),
      makeEvents: makeOidcConfigEvents,
    }),
    policy: { clusterIssuer: issuer, isPrivateAllowed: privateIssuers.isAllowed },
    now,
  });
  const app = createStatusApp({
    recompute: observe.recompute(createRecompute({ ...store, apply, cache, now })),
    record: createRecorder({ ...store, apply, cache, now }),
    resync: observe.resync(createResync({ beginSurvey: survey, cache, now })),
    isCovered: observe.isCovered(cache.isCovered),
    configs: {
      recompute: recomputeConfigs,
      listReferrers: (namespaces) => listReferrers(kube, namespaces),
    },
    authenticate,
    authenticateSender: createSenderCheck(authenticate, senders),
    clock,
    log,
  });
  const asked = { [STATUS_EVENTS_PATH]: 'event', [STATUS_REPORTS_PATH]: 'report' } as const;
  return { app: observe.requests(app, asked), metrics, close: kube.close };
}

if (import.meta.main) {
  readVariables([...KUBE_VARIABLES, 'PORT', 'EVENT_SENDERS', 'PRIVATE_ISSUERS']);
  const listener = readListener();
  const { clock, drain } = createClock();
  const config = {
    kube: inClusterKube(),
    senders: readEventSenders(),
    privateIssuers: readPrivateIssuers(),
    clock,
  };
  const { app, metrics, close } = await wireStatus(config, createLog('status'));
  const server = await serveHttp({ app, ...listener });
  const operations = await serveOperations(metrics, readMetricsListener());
  onTermination(async () => {
    drain();
    await Promise.all([server.close(), operations.close()]);
    close();
  });
}
