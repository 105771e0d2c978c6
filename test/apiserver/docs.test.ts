import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseDemo } from '../../dev/demo.ts';
import { stack } from './cluster.ts';

const docs = join(import.meta.dirname, '../../docs');
const steps = readdirSync(docs)
  .filter((file) => file.endsWith('.md') && file !== 'demo.md')
  .flatMap((file) => parseDemo(readFileSync(join(docs, file), 'utf8')).map(({ command }) => [file, command] as const));

describe('the commands of the pages', () => {
  it.each(steps)('%s: %s', async (_file, command) => {
    const env = {
      ...process.env,
      KUBECONFIG: stack.kubeconfig,
      API_URL: stack.apiUrl,
      PATH: `${dirname(stack.kubectl)}:${process.env['PATH'] ?? ''}`,
    };
    const status = await new Promise((resolve) => {
      execFile('bash', ['-c', command], { env }, (error) => {
        resolve(error?.code ?? 0);
      });
    });
    expect(status).toBe(0);
  });
});
