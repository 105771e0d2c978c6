/** `npm start -- --node`, and where it is refused. */
import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCheckout, startIn } from '../dev/checkout.ts';
import { readPage } from '../pages.ts';
import { missing } from './cluster.ts';

const start = join(import.meta.dirname, '../../dev/start.ts');
const isRoot = process.platform === 'linux' && process.getuid?.() === 0;

/** Its one line. */
const refusal = (file: string, args: readonly string[], env: NodeJS.ProcessEnv): string =>
  spawnSync(file, args, { env, encoding: 'utf8' }).stderr;

describe('npm start -- --node is refused in one sentence', () => {
  it.skipIf(!isRoot)('to who is not root (needs root, to become somebody else)', () => {
    // The sentence comes before anything is written, which nobody may do here.
    const args = ['--reuid=65534', '--clear-groups', process.execPath, start, '--node'];
    expect(refusal('setpriv', args, process.env)).toBe('npm start: --node: a node needs root: start it with sudo\n');
  });

  it.skipIf(!isRoot)('where commands are missing (needs root)', () => {
    expect(refusal(process.execPath, [start, '--node'], { PATH: '/nonexistent' })).toBe(
      'npm start: --node: a node needs commands that are missing: ' +
        'apt-get install iproute2 nftables mount util-linux\n',
    );
  });
});

describe.skipIf(missing !== undefined)(`npm start -- --node (${missing ?? 'Linux, as root'})`, () => {
  let checkout: string;
  beforeAll(() => {
    checkout = makeCheckout();
    // The image takes packages by their place in the checkout, which is not that of a link to them.
    rmSync(join(checkout, 'node_modules'));
    execFileSync('cp', ['--archive', join(import.meta.dirname, '../../node_modules'), checkout]);
  });
  afterAll(() => {
    rmSync(checkout, { recursive: true, force: true });
  });

  it('runs every part as a Pod, and its API at a loopback port', async () => {
    const [, command = ''] = /--exec '(.*)'/.exec(readPage('docs/node.md')) ?? [];
    const { status, stdout, stderr } = await startIn(checkout, '--node', '--exec', command).ended;
    expect(stderr).not.toContain('npm start: ');
    expect(stdout).toMatch(/^buildkit-api-\S+ +1\/1[\s\S]*\nOK$/m);
    expect(status).toBe(0);
  });

  it('plays docs/demo-build.md with --demo, and says that every answer is the one on the page', async () => {
    const { status, stdout } = await startIn(checkout, '--node', '--demo').ended;
    expect(stdout).not.toContain('^ expected:');
    expect(stdout).toMatch(/^(\d+) of \1 answers are those of docs\/demo-build.md\n$/m);
    expect(status).toBe(0);
  }, 900_000);
});
