/** The gateway with a worker for the client of the benchmark, and no functions to ask. Run as a program. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readVariables } from '../../adapters/environment.ts';
import { readShown } from '../../adapters/gateway/shown.ts';
import { createCounters } from '../../core/gateway/counters.ts';
import { createGateway } from '../../gateway/gateway.ts';
import type { WatchedPool } from '../../core/gateway/client.ts';
import type { Route } from '../../core/gateway/route.ts';

interface Setup {
  readonly clusterFqdn: string;
  readonly pool: WatchedPool['metadata'];
  readonly route: Route;
}

const { FOLDER, PORT } = readVariables(['FOLDER', 'PORT']);
const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');
const setup = JSON.parse(read('setup.json')) as Setup;
const keys = {
  server: { cert: read('server.crt'), key: read('server.key') },
  client: { cert: read('gateway.crt'), key: read('gateway.key') },
  clientCa: read('ca.crt'),
  serverCa: read('ca.crt'),
  notBeforeMs: 0,
  notAfterMs: Infinity,
};
const gateway = createGateway(
  {
    port: Number(PORT),
    hostname: '127.0.0.1',
    clusterFqdn: setup.clusterFqdn,
    keys: { current: () => keys, follow: () => undefined },
    proxies: [],
    maxConnections: 10_000,
  },
  {
    readShown,
    askForLease: () => Promise.resolve({ kind: 'granted', ...setup.route }),
    renew: () => Promise.resolve([]),
    now: () => performance.now(),
    counters: createCounters(new Date()),
    onCounted: () => undefined,
    metrics: { served: () => undefined, ended: () => undefined, endedEarly: () => undefined },
    log: { info: () => undefined, warn: () => undefined },
  },
);
gateway.setPool({ metadata: setup.pool, spec: {} });
await gateway.listen();
