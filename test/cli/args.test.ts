import { describe, expect, it } from 'vitest';
import { runArgs } from '../../cli/args.ts';

async function type(...args: string[]) {
  const said = { out: '', err: '' };
  const called: unknown[] = [];
  const status = await runArgs(
    args,
    {
      showCa: (connection, options) => {
        called.push(['show', connection, options]);
        return Promise.resolve(7);
      },
      rotateCa: (connection, options) => {
        called.push(['rotate', connection, options]);
        return Promise.resolve(0);
      },
      doctor: (connection, options) => {
        called.push(['doctor', connection, options]);
        return Promise.resolve(1);
      },
    },
    { version: '1.2.3', out: (text) => void (said.out += text), err: (text) => void (said.err += text) },
  );
  return { status, called, ...said };
}

describe('bkctl', () => {
  it.each([
    [['ca', 'show'], 7, ['show', {}, { json: false }]],
    [['ca', 'show', '--json'], 7, ['show', {}, { json: true }]],
    [
      ['--kubeconfig', 'k', '--context', 'c', 'ca', 'rotate'],
      0,
      ['rotate', { kubeconfig: 'k', context: 'c' }, { isDryRun: false }],
    ],
    [['ca', 'rotate', '--dry-run'], 0, ['rotate', {}, { isDryRun: true }]],
    [['ca', 'show', '--context', 'c'], 7, ['show', { context: 'c' }, { json: false }]],
    [['doctor'], 1, ['doctor', {}, { json: false }]],
    [['doctor', '--api', 'https://a'], 1, ['doctor', {}, { json: false, api: 'https://a' }]],
    [['doctor', '--json'], 1, ['doctor', {}, { json: true }]],
  ])('%j', async (args, status, call) => {
    expect(await type(...args)).toEqual({ status, called: [call], out: '', err: '' });
  });

  it.each([
    [['ca', 'shw'], "error: unknown command 'shw'"],
    [['ca', 'show', '--yaml'], "error: unknown option '--yaml'"],
    [['ca', 'show', 'root'], "error: too many arguments for 'show'. Expected 0 arguments but got 1."],
    [
      ['doctor', '--api', 'nonsense'],
      "error: option '--api <url>' argument 'nonsense' is invalid. Expected an http or https URL.",
    ],
    [['doctor', '--fix'], "error: unknown option '--fix'"],
    [['ca', 'rotate', '--context'], "error: option '--context <name>' argument missing"],
  ])('refuses %j with status 2 and a sentence on stderr', async (args, message) => {
    const { status, called, out, err } = await type(...args);
    expect({ status, called, out }).toEqual({ status: 2, called: [], out: '' });
    expect(err.split('\n')[0]).toBe(message);
  });

  it('says its version', async () => {
    expect(await type('--version')).toEqual({ status: 0, called: [], out: '1.2.3\n', err: '' });
  });

  it.each([[['--help']], [['ca', '--help']], [['ca', 'show', '--help']]])('%j is answered on stdout', async (args) => {
    const { status, out, err } = await type(...args);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toMatch(/^Usage: bkctl/);
  });
});
