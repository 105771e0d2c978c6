/** Times of the milestones of a Pod, as a benchmark observes them, in milliseconds since the epoch. */
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectKube, type KubeCall, type KubeClient } from '../adapters/kube/client.ts';
import type { ControlPlane } from '../dev/control-plane/start.ts';
import { expectSuccess, type Kubectl } from '../dev/kubectl.ts';

/** In our image. */
export const node = '/usr/bin/node';

/** May everything. */
export async function connectAdministrator(
  kubectl: Kubectl,
  controlPlane: Pick<ControlPlane, 'url' | 'caFile'>,
): Promise<KubeClient> {
  const token = await expectSuccess(kubectl, ['config', 'view', '--raw', '-o', 'jsonpath={.users[0].user.token}']);
  const ca = await readFile(controlPlane.caFile);
  return connectKube({ url: controlPlane.url, ca, readToken: () => Promise.resolve(token) });
}

export interface Administrator {
  readonly kube: KubeClient;
  readonly kubectl: Kubectl;
}

export interface Pod {
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
  };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
  readonly spec: { readonly nodeName?: string; readonly containers: readonly { readonly name: string }[] };
}

export const nowMs = (): number => performance.timeOrigin + performance.now();

export interface Observed<T> {
  readonly object: T;
  readonly at: number;
}

/** The first change from now on that fits, and when it was seen. In an object, since a promise of it would be waited for. */
export async function watchFor<T>(
  kube: KubeClient,
  { path, query }: Required<Pick<KubeCall, 'path' | 'query'>>,
  fits: (object: T) => boolean,
): Promise<{ readonly observed: Promise<Observed<T>> }> {
  const { metadata } = (await kube.call({ path, query })) as { metadata: { resourceVersion: string } };
  const follow = async (): Promise<Observed<T>> => {
    const watch = { ...query, watch: 'true', resourceVersion: metadata.resourceVersion };
    const ending = new AbortController();
    for await (const line of kube.lines({ path, query: watch }, ending.signal)) {
      const { object } = line as { object: T };
      if (!fits(object)) continue;
      ending.abort();
      return { object, at: nowMs() };
    }
    throw new Error(`watch of ${path} ended`);
  };
  return { observed: follow() };
}

/** What a process has said is in the log of its Pod a moment later: it writes several lines at once. */
const maxDelayMs = 5_000;

/** The first answer that is there within that time. @throws when there is none. */
async function waitUntilFound(what: string, find: () => Promise<number | undefined>): Promise<number> {
  const endMs = nowMs() + maxDelayMs;
  while (nowMs() < endMs) {
    const found = await find();
    if (found !== undefined) return found;
    await sleep(50);
  }
  throw new Error(`${what}: not found within ${maxDelayMs} ms`);
}

/** When Node began in a Pod: the kernel counts in ticks of 10 ms since the machine did. */
export const findStart = (podUid: string): Promise<number> =>
  waitUntilFound(`Node in Pod ${podUid}`, async () => {
    const uptimeMs = Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0]) * 1000;
    const bootMs = nowMs() - uptimeMs;
    for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
      const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
      if (!(await read('cgroup')).includes(podUid) || !(await read('cmdline')).startsWith(node)) continue;
      const fields = (await read('stat')).replace(/^.*\) /s, '').split(' ');
      return bootMs + Number(fields[19]) * 10;
    }
    return undefined;
  });

/** When the function said that it listens. */
export const readListening = (kubectl: Kubectl, { metadata, spec }: Pod): Promise<number> =>
  waitUntilFound(`line of Pod ${metadata.name} that says that it listens`, async () => {
    const container = spec.containers.find(({ name }) => name !== 'queue-proxy')?.name ?? '';
    const log = await expectSuccess(kubectl, ['logs', metadata.name, '-n', metadata.namespace, '-c', container]);
    const line = log.split('\n').find((text) => text.includes('listens'));
    return line === undefined ? undefined : Date.parse((JSON.parse(line) as { time: string }).time);
  });
