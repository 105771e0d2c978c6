/**
 * From a request at zero to its answer on real Knative, with its parts: a certificate of `api`, beside what a function
 * of Node answers that does nothing.
 */
import { readdir, readFile } from 'node:fs/promises';
import type { KubeClient } from '../adapters/kube/client.ts';
import { SYSTEM_NAMESPACE } from '../api/names.ts';
import { expectSuccess, type Kubectl } from '../dev/kubectl.ts';

/** Moments in milliseconds since the epoch, in their order; that of a process is exact to 10 ms. */
interface Wake {
  readonly asked: number;
  /** The autoscaler wants a Pod. */
  readonly decided: number;
  /** The Pod has a node. */
  readonly bound: number;
  /** Node runs in it. */
  readonly started: number;
  /** It listens. */
  readonly listening: number;
  readonly answered: number;
}

const nowMs = (): number => performance.timeOrigin + performance.now();

interface Watched {
  readonly metadata: { readonly uid: string; readonly name: string };
  readonly spec: { readonly replicas?: number; readonly nodeName?: string };
}

/** The first change of a collection that fits, and when it was seen. */
async function watchFor(kube: KubeClient, { path, name, fits }: Awaited): Promise<{ object: Watched; at: number }> {
  const query = { labelSelector: `serving.knative.dev/service=${name}` };
  const { metadata } = (await kube.call({ path, query })) as { metadata: { resourceVersion: string } };
  const ending = new AbortController();
  const watch = { ...query, watch: 'true', resourceVersion: metadata.resourceVersion };
  try {
    for await (const line of kube.lines({ path, query: watch }, ending.signal)) {
      const { object } = line as { object: Watched };
      if (fits(object)) return { object, at: nowMs() };
    }
  } finally {
    ending.abort();
  }
  throw new Error(`watch of ${path} ended`);
}

interface Awaited {
  readonly path: string;
  readonly name: string;
  readonly fits: (object: Watched) => boolean;
}

/** When the process of a Pod began whose command line has the word: in ticks of 10 ms since the machine did. */
async function findStart(podUid: string, word: string): Promise<number> {
  const uptimeMs = Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0]) * 1000;
  const bootMs = nowMs() - uptimeMs;
  for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
    if (!(await read('cgroup')).includes(podUid) || !(await read('cmdline')).includes(word)) continue;
    const fields = (await read('stat')).replace(/^.*\) /s, '').split(' ');
    return bootMs + Number(fields[19]) * 10;
  }
  throw new Error(`no process of Pod ${podUid} has ${word} in its command line`);
}

/** When the function said that it listens. */
async function readListening(kubectl: Kubectl, pod: string, container: string): Promise<number> {
  const log = await expectSuccess(kubectl, ['logs', pod, '-n', SYSTEM_NAMESPACE, '-c', container]);
  const line = log.split('\n').find((text) => text.includes('listens'));
  if (line === undefined) throw new Error(`Pod ${pod} does not say that it listens`);
  return Date.parse((JSON.parse(line) as { time: string }).time);
}
