/** Plain requests to the apiserver, as anybody. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { run, stack } from './cluster.ts';

export interface Person {
  readonly user: string;
  readonly groups?: readonly string[];
}

export const administrator: Person = { user: 'admin', groups: ['system:masters'] };

export interface Asked {
  readonly as: Person;
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
}

export interface Answer<T = unknown> {
  readonly code: number;
  /** A Status where the code is no success. */
  readonly body: T & { readonly message: string };
  readonly warnings: readonly string[];
}

const ca = readFileSync(join(stack.mounts, 'buildkit-webhooks/ca.crt'));
const token = run(['config', 'view', '--raw', '-o', 'jsonpath={.users[0].user.token}']);

/** The administrator's connection, in somebody else's name. */
export async function ask<T>({ as, method = 'GET', path, body }: Asked): Promise<Answer<T>> {
  const headers = {
    authorization: `Bearer ${await token}`,
    'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
    'impersonate-user': as.user,
    ...(as.groups === undefined ? {} : { 'impersonate-group': [...as.groups, 'system:authenticated'] }),
  };
  const answer = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    const sent = request(new URL(path, stack.kubeUrl), { method, headers, ca }, resolve);
    sent.once('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
  const warnings = [answer.headersDistinct['warning'] ?? []].flat().map((line) => line.replace(/^299 - "(.*)"$/, '$1'));
  return { code: answer.statusCode ?? 0, body: JSON.parse(await text(answer)) as Answer<T>['body'], warnings };
}

export const pathOf = (plural: string, namespace: string, name?: string, version = 'v1beta1'): string =>
  `/apis/buildkit.smrt-devops.net/${version}/namespaces/${namespace}/${plural}${name === undefined ? '' : `/${name}`}`;
