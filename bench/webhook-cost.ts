/** What processes use of the machine, and what parts ask of the apiserver. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SYSTEM_NAMESPACE } from '../api/names.ts';
import type { Stack } from '../dev/stack.ts';

const accounts = {
  webhooks: `system:serviceaccount:${SYSTEM_NAMESPACE}:buildkit-webhooks`,
  api: `system:serviceaccount:${SYSTEM_NAMESPACE}:buildkit-controller`,
} as const;

/** Flags of an apiserver that writes down in `<folder>/audit.log` what webhooks and `api` ask of it, and nothing else. */
export async function writeAuditPolicy(folder: string): Promise<string[]> {
  const file = join(folder, 'audit-policy.json');
  const policy = {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages: ['RequestReceived'],
    rules: [{ level: 'Metadata', users: Object.values(accounts), resources: [{ group: '*' }] }, { level: 'None' }],
  };
  await writeFile(file, JSON.stringify(policy));
  return [`--audit-policy-file=${file}`, `--audit-log-path=${join(folder, 'audit.log')}`];
}

export interface WebhookCost {
  /** User and system time of all threads. */
  readonly cpuMs: number;
  readonly apiCalls: number;
}

/** Since the webhooks began. Reads /proc: on Linux only. */
export async function readWebhookCost(stack: Stack, auditFolder: string): Promise<WebhookCost> {
  return { cpuMs: await readWebhookCpu(stack), apiCalls: await countApiCalls(auditFolder, 'webhooks') };
}

/** Of all processes of the part, since the apiserver began. */
export async function countApiCalls(auditFolder: string, part: keyof typeof accounts): Promise<number> {
  const audit = await readFile(join(auditFolder, 'audit.log'), 'utf8').catch(() => '');
  const user = `"username":"${accounts[part]}"`;
  return audit.split('\n').filter((line) => line.includes(user)).length;
}

/** Milliseconds of user and system time, of all threads, since the webhooks began. Reads /proc: on Linux only. */
export async function readWebhookCpu(stack: Stack): Promise<number> {
  const processes = stack.children.filter(({ name }) => stack.webhooks.includes(name));
  const times = await Promise.all(processes.map(({ pid }) => readCpuMs(pid)));
  return times.reduce((sum, ms) => sum + ms, 0);
}

/** Linux counts in hundredths of a second. */
const msPerTick = 10;

/** Of one process. proc_pid_stat(5): fields 14 and 15, counted after the name in parentheses, which may contain anything. */
export async function readCpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const [userTicks = NaN, systemTicks = NaN] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  return (userTicks + systemTicks) * msPerTick;
}
