import { describe, expect, it } from 'vitest';
import { kubectl, run } from './cluster.ts';

describe('the roles for people', () => {
  const canI = async (verb: string, namespace: string, user: string) =>
    (
      await kubectl([
        'auth',
        'can-i',
        verb,
        'buildkitpools.buildkit.smrt-devops.net/pool',
        '-n',
        namespace,
        `--as=${user}`,
      ])
    ).stdout.trim();

  it.each([
    ['buildkit-worker-attacher', 'attach', ['use', 'get', 'update']],
    ['buildkit-pool-user', 'use', ['attach', 'get', 'update']],
  ])('%s gives %s in the namespace of its binding, and nothing else', async (role, verb, others) => {
    const user = `${role}@tenant`;
    await run(['create', 'rolebinding', role, '-n', 'buildkit-system', `--clusterrole=${role}`, `--user=${user}`]);
    expect(await canI(verb, 'buildkit-system', user)).toBe('yes');
    expect(await canI(verb, 'default', user)).toBe('no');
    for (const other of others) expect(await canI(other, 'buildkit-system', user)).toBe('no');
  });

  it('none is aggregated into admin, edit or view', async () => {
    for (const role of ['admin', 'edit', 'view']) {
      expect(await run(['get', 'clusterrole', role, '-o', 'json'])).not.toContain('buildkit.smrt-devops.net');
    }
  });
});
