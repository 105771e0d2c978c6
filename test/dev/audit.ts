/** Who asked an apiserver for what: its audit log. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Use } from './rights.ts';

const logOf = (folder: string): string => join(folder, 'audit.log');

/** Flags of an apiserver that writes down in `folder` what ServiceAccounts ask of it. */
export async function writeAuditFlags(folder: string): Promise<string[]> {
  const policy = join(folder, 'audit-policy.json');
  const rules = [{ level: 'Metadata', userGroups: ['system:serviceaccounts'] }, { level: 'None' }];
  const omitStages = ['RequestReceived'];
  await writeFile(policy, JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', omitStages, rules }));
  return [`--audit-policy-file=${policy}`, `--audit-log-path=${logOf(folder)}`];
}

const userPrefix = 'system:serviceaccount:';

interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code?: number };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What the ServiceAccounts of a namespace asked for so far. Paths that are no resource are left out. */
export async function readUses(folder: string, namespace: string): Promise<Use[]> {
  const events = (await readFile(logOf(folder), 'utf8'))
    .split('\n')
    // The last line is being written, or empty.
    .slice(0, -1)
    .map((line) => JSON.parse(line) as AuditEvent);
  return events
    .filter(({ user }) => user.username.startsWith(`${userPrefix}${namespace}:`))
    .filter(({ objectRef }) => objectRef?.resource !== undefined)
    .flatMap(toUses);
}

/** A server-side apply that makes the object needs the right to create it, beside that to patch it. */
function toUses(event: AuditEvent): Use[] {
  const use = toUse(event);
  return event.verb === 'patch' && event.responseStatus?.code === 201 ? [use, { ...use, verb: 'create' }] : [use];
}

function toUse({ verb, user, objectRef = {}, annotations = {} }: AuditEvent): Use {
  const { apiGroup: group = '', resource = '', subresource, namespace, name } = objectRef;
  return {
    account: user.username.slice(userPrefix.length).replace(':', '/'),
    verb,
    group,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    namespace,
    name,
    isRefused: annotations['authorization.k8s.io/decision'] === 'forbid',
  };
}
