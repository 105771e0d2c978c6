/** What tests on the real apiserver ask of it. */
import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { createKubectl, expectSuccess } from '../../dev/kubectl.ts';

export const stack = inject('stack');
export const kubectl = createKubectl(stack.kubectl, stack.kubeconfig);

/** The stdout of a kubectl command that must succeed. */
export const run = (args: readonly string[], input?: string): Promise<string> => expectSuccess(kubectl, args, input);

/** Applies a manifest, as somebody else where given; the whole output, whatever it says. */
export async function apply(manifest: string, as?: string): Promise<{ status: number; said: string }> {
  const asUser = as === undefined ? [] : [`--as=${as}`];
  const { status, stdout, stderr } = await kubectl(['apply', '-f', '-', ...asUser], manifest);
  return { status, said: (stdout + stderr).trim() };
}

/** Applies what must be accepted, as somebody else where given. @throws {Error} with what kubectl said. */
export async function expectApplied(manifest: string, as?: string): Promise<void> {
  const { status, said } = await apply(manifest, as);
  if (status !== 0) throw new Error(`kubectl apply: ${said}`);
}

export async function getJson<T>(...args: readonly string[]): Promise<T> {
  return JSON.parse(await run(['get', ...args, '-o', 'json'])) as T;
}

/** A namespace of the test's own. */
export async function makeNamespace(prefix: string): Promise<string> {
  const name = `${prefix}-${randomBytes(4).toString('hex')}`;
  await run(['create', 'namespace', name]);
  return name;
}

export const makePool = (namespace: string, name: string, spec: object = {}): string =>
  JSON.stringify({
    apiVersion: 'buildkit.smrt-devops.net/v1alpha1',
    kind: 'BuildKitPool',
    metadata: { name, namespace },
    spec,
  });

export const makeWorker = (namespace: string, name: string, poolRef: { name: string; namespace?: string }): string =>
  JSON.stringify({
    apiVersion: 'buildkit.smrt-devops.net/v1alpha1',
    kind: 'BuildKitWorker',
    metadata: { name, namespace },
    spec: { poolRef },
  });
