import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseDemo } from '../../dev/demo.ts';
import { PLAYED_PAGES, readBlocks } from '../pages.ts';
import { makeCheckout } from '../dev/checkout.ts';
import { stack } from './cluster.ts';

/** Commands write files where they are typed. */
let checkout: string;
beforeAll(() => {
  checkout = makeCheckout();
});
afterAll(() => {
  rmSync(checkout, { recursive: true, force: true });
});

const docs = join(import.meta.dirname, '../../docs');
const steps = readdirSync(docs)
  .filter((file) => file.endsWith('.md') && !file.startsWith('demo'))
  .flatMap((file) => parseDemo(readFileSync(join(docs, file), 'utf8')).map(({ command }) => [file, command] as const));

const env = {
  ...process.env,
  API_URL: stack.apiUrl,
  PATH: `${dirname(stack.kubectl)}:${process.env['PATH'] ?? ''}`,
};

/** `said` is empty where all went well. */
const runBash = (commands: string, kubeconfig = stack.kubeconfig) =>
  new Promise<{ status: unknown; said: string }>((resolve) => {
    execFile(
      'bash',
      ['-c', commands],
      { cwd: checkout, env: { ...env, KUBECONFIG: kubeconfig } },
      (error, stdout, stderr) => {
        resolve({ status: error?.code ?? 0, said: error === null ? '' : stdout + stderr });
      },
    );
  });

/** A tenant has the rights that the guide for platform engineers gives to the group `team-a`, and no others. */
function writeTenantKubeconfig(): string {
  const file = join(checkout, 'tenant-kubeconfig');
  const config = parse(readFileSync(stack.kubeconfig, 'utf8')) as { users: { user: object }[] };
  for (const entry of config.users) Object.assign(entry.user, { as: 'dev@team-a', 'as-groups': ['team-a'] });
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}

describe('the commands of the pages', () => {
  it.each(steps)('%s: %s', async (_file, command) => {
    expect(await runBash(command)).toEqual({ status: 0, said: '' });
  });
});

describe('the commands of the guides, page after page', () => {
  const played = PLAYED_PAGES.map((page) => {
    const blocks = readBlocks(page).filter(({ runBy, notRun }) => runBy === undefined && notRun === undefined);
    return [page, blocks.map(({ commands }) => commands)] as const;
  });

  it.each(played.filter(([, blocks]) => blocks.length > 0))('%s', async (page, blocks) => {
    const kubeconfig = page === 'docs/guides/tenant.md' ? writeTenantKubeconfig() : undefined;
    expect(await runBash(`set -euo pipefail\n${blocks.join('\n')}`, kubeconfig)).toEqual({ status: 0, said: '' });
  });
});
