import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseDemo } from '../../dev/demo.ts';
import { PLAYED_PAGES, readBlocks } from '../pages.ts';
import { stack } from './cluster.ts';

const docs = join(import.meta.dirname, '../../docs');
const steps = readdirSync(docs)
  .filter((file) => file.endsWith('.md') && file !== 'demo.md')
  .flatMap((file) => parseDemo(readFileSync(join(docs, file), 'utf8')).map(({ command }) => [file, command] as const));

const env = {
  ...process.env,
  KUBECONFIG: stack.kubeconfig,
  API_URL: stack.apiUrl,
  PATH: `${dirname(stack.kubectl)}:${process.env['PATH'] ?? ''}`,
};

/** `said` is empty where all went well. */
const runBash = (commands: string) =>
  new Promise<{ status: unknown; said: string }>((resolve) => {
    execFile('bash', ['-c', commands], { env }, (error, stdout, stderr) => {
      resolve({ status: error?.code ?? 0, said: error === null ? '' : stdout + stderr });
    });
  });

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

  it.each(played.filter(([, blocks]) => blocks.length > 0))('%s', async (_page, blocks) => {
    expect(await runBash(`set -euo pipefail\n${blocks.join('\n')}`)).toEqual({ status: 0, said: '' });
  });
});
