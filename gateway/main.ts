/** A gateway of one pool, over real ports. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createPause } from '../adapters/backoff.ts';
import {
  GATEWAY_VARIABLES,
  inClusterKube,
  KUBE_VARIABLES,
  readGatewayEnvironment,
  readListener,
  readMemoryLimit,
  readMetricsListener,
  readVariables,
  type GatewayEnvironment,
} from '../adapters/environment.ts';
import { createFunctions } from '../adapters/gateway/functions.ts';
import { requestKeys } from '../adapters/gateway/keys.ts';
import { createPost } from '../adapters/gateway/post.ts';
import { readShown } from '../adapters/gateway/shown.ts';
import { watchPool } from '../adapters/gateway/watch.ts';
import { createKubeClient, type KubeClientOptions } from '../adapters/kube/client.ts';
import { createLog, type Log } from '../adapters/log.ts';
import { createGatewayMetrics, type GatewayMetrics } from '../adapters/observe/gateway-metrics.ts';
import { serveHttp } from '../adapters/serve.ts';
import { drainListenMs, maxDrainMs } from '../api/limits/gateway.ts';
import { parseClusterFqdn } from '../core/certificates/profile.ts';
import { decideMaxConnections } from '../core/gateway/capacity.ts';
import { createCounters } from '../core/gateway/counters.ts';
import { createOperationsApp } from './app.ts';
import { createGateway } from './gateway.ts';
import { holdKeys } from './keys.ts';
import { createRelayApp } from './relay.ts';
import { createReporter } from './report.ts';
import { createTicker } from './tick.ts';

export interface GatewayConfig extends GatewayEnvironment {
  readonly kube: KubeClientOptions;
  readonly port: number;
  readonly hostname?: string;
}

export interface RunningGateway {
  readonly port: number;
  readonly keysPort: number;
  /** What it waits for before it takes connections; undefined when it takes them. */
  readonly findUnready: () => string | undefined;
  /** Takes no new connections, and resolves when the last one has ended, or the time is up. */
  readonly drain: (listenMs?: number) => Promise<void>;
}

/** Resolves when it listens. @throws {Error} for a cluster FQDN that is none, or an account folder that can't be read. */
export async function runGateway(config: GatewayConfig, metrics: GatewayMetrics, log: Log): Promise<RunningGateway> {
  const clusterFqdn = parseClusterFqdn(config.clusterFqdn);
  if (!clusterFqdn.ok) throw new Error(clusterFqdn.error);
  const ending = new AbortController();
  const { signal } = ending;
  const pause = createPause({ signal, random: Math.random });
  const functions = createFunctions(createPost(config), config.urls);
  const { name } = config.pool;
  /** Counts whether a call was answered. */
  const call = async <T>(what: Parameters<GatewayMetrics['called']>[0], answer: Promise<T>): Promise<T> => {
    try {
      const value = await answer;
      metrics.called(what, true);
      return value;
    } catch (error) {
      metrics.called(what, false);
      throw error;
    }
  };
  const relay = await serveHttp({
    app: createRelayApp({
      signWorkerKeys: (request, token) => call('worker_keys', functions.signWorkerKeys(request, token)),
      log,
    }),
    port: config.keysPort,
    ...(config.hostname === undefined ? {} : { hostname: config.hostname }),
    drainMs: 0,
  });
  const keys = await holdKeys({ requestKeys: () => call('keys', requestKeys(functions, name)), pause, signal, log });
  const counters = createCounters(new Date());
  const reporter = createReporter({
    counters,
    send: (report) => call('report', functions.report(name, report)),
    pause,
    signal,
    log,
  });
  const ticker = createTicker({ post: () => call('tick', functions.tick({ pool: name })), log });
  const gateway = createGateway(
    { ...config, clusterFqdn: clusterFqdn.value, keys },
    {
      readShown,
      askForLease: (request, gone) => call('lease', functions.askForLease(request, gone)),
      renew: (leases) => call('renew', functions.renewLeases({ pool: name, leases: [...leases] })),
      counters,
      onCounted: reporter.changed,
      now: () => performance.now(),
      metrics,
      log,
    },
  );
  metrics.showOpen(gateway.openConnections);
  metrics.showServingCertificate(() => keys.current().notAfterMs);
  const kube = await createKubeClient(config.kube, { observe: metrics.observeCall });
  const watched = Promise.withResolvers<undefined>();
  let isDraining = false;
  void watchPool({
    kube,
    pool: config.pool,
    setPool: gateway.setPool,
    setRoutes: (routes) => {
      gateway.setRoutes(routes);
      ticker.setDueAt(routes?.nextDueAt === undefined ? undefined : Date.parse(routes.nextDueAt));
    },
    setWatching: (isWatching) => {
      if (isWatching) watched.resolve(undefined);
    },
    pause,
    log,
    signal,
  });
  await watched.promise;
  const listening = await gateway.listen();
  reporter.changed();
  log.info({ port: listening.port, maxConnections: config.maxConnections }, 'gateway listens');

  const drain = async (listenMs = drainListenMs): Promise<void> => {
    isDraining = true;
    log.info({ connections: gateway.openConnections() }, 'gateway drains');
    await sleep(listenMs);
    listening.stop();
    await Promise.race([gateway.drained(), sleep(maxDrainMs, undefined, { ref: false })]);
    await Promise.all([reporter.flush(), relay.close()]);
    ending.abort();
    gateway.close();
    kube.close();
    log.info({ connections: gateway.openConnections() }, 'gateway ended');
  };
  return {
    port: listening.port,
    keysPort: relay.port,
    findUnready: () => (isDraining ? 'draining' : undefined),
    drain,
  };
}

if (import.meta.main) {
  readVariables([...KUBE_VARIABLES, 'PORT', ...GATEWAY_VARIABLES]);
  const listener = readListener();
  const environment = readGatewayEnvironment(decideMaxConnections(readMemoryLimit()));
  const [log, metrics] = [createLog('gateway'), createGatewayMetrics()];
  const state: { running?: RunningGateway } = {};
  const app = createOperationsApp({
    findUnready: () => (state.running === undefined ? 'starting' : state.running.findUnready()),
    readMetrics: metrics.readMetrics,
  });
  const metricsListener = readMetricsListener();
  const operations =
    metricsListener === undefined ? undefined : await serveHttp({ app, ...metricsListener, drainMs: 0 });
  let isEnding = false;
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      // A second one, or one before anybody came: nobody is to be waited for.
      if (isEnding || state.running === undefined) process.exit(0);
      isEnding = true;
      void state.running
        .drain()
        .then(() => operations?.close())
        .then(() => process.exit(0));
    });
  }
  state.running = await runGateway({ ...environment, ...listener, kube: inClusterKube() }, metrics, log);
}
