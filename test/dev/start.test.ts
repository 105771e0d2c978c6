import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CertificateAnswer } from '../../api/http/certificates.ts';
import { findFreePort } from '../../dev/child.ts';
import { usage } from '../../dev/options.ts';
import { listProcesses, makeCheckout, startGroupIn, startIn, type Started } from './checkout.ts';

let checkout: string;

beforeAll(() => {
  checkout = makeCheckout();
});
afterAll(() => {
  rmSync(checkout, { recursive: true, force: true });
});

const expectNothingLeft = () => expect.poll(() => listProcesses(checkout)).toEqual([]);

/** Serves until told otherwise; resolves when the screen with the next commands stands. */
async function serve(port: number): Promise<Started> {
  const started = startIn(checkout, '--port', String(port));
  void started.ended.then(({ stderr }) => {
    if (!started.stdout().includes('Ctrl-C')) console.error(stderr);
  });
  await expect.poll(() => started.stdout(), { timeout: 600_000 }).toContain('Ctrl-C ends everything.');
  return started;
}

describe('npm start -- --exec', () => {
  it('runs the command with KUBECONFIG and API_URL and ends with its status', async () => {
    const command = 'kubectl get crd -o name && curl -sS $API_URL/api/v1/health && exit 7';
    const { status, stdout } = await startIn(checkout, '--exec', command).ended;
    expect(stdout).toBe(
      ['pools', 'workers', 'oidcconfigs']
        .map((plural) => `customresourcedefinition.apiextensions.k8s.io/buildkit${plural}.buildkit.smrt-devops.net\n`)
        .toSorted()
        .join('') + 'OK',
    );
    expect(status).toBe(7);
    await expectNothingLeft();
  });

  it('ends the command and what it started when it is ended itself', async () => {
    const started = startIn(checkout, '--exec', 'echo begun; sleep 300; echo not reached');
    await expect.poll(() => started.stdout(), { timeout: 600_000 }).toBe('begun\n');
    started.process.kill('SIGTERM');
    expect(await started.ended).toMatchObject({ status: 143, stdout: 'begun\n' });
    await expectNothingLeft();
  });
});

describe('npm start', () => {
  it('refuses a second start in the same checkout, lets another checkout be, and ends at Ctrl-C', async () => {
    const port = await findFreePort();
    const first = await serve(port);
    const second = await startIn(checkout, '--port', String(await findFreePort())).ended;
    expect(second.stderr).toMatch(/^npm start: already running in this checkout, as process \d+\n$/);
    expect(second.status).toBe(1);

    const elsewhere = makeCheckout();
    const other = await startIn(elsewhere, '--exec', 'kubectl get namespace buildkit-system -o name').ended;
    expect(other).toMatchObject({
      status: 0,
      stdout: 'namespace/buildkit-system\n',
      stderr: expect.any(String) as string,
    });
    const taken = await startIn(elsewhere, '--port', String(port)).ended;
    expect(taken.stderr).toBe(
      `npm start: port ${port} is in use: stop what listens there, or choose another with npm start -- --port PORT\n`,
    );
    rmSync(elsewhere, { recursive: true, force: true });

    // What the screen tells to type next, pasted as it stands.
    const commands = first
      .stdout()
      .split('\n')
      .filter((line) => line.startsWith('  '))
      .join('\n');
    const pasted = execFileSync('bash', ['-ec', commands], { cwd: checkout, encoding: 'utf8', stdio: 'pipe' });
    const [answer = ''] = /^\{.*?\}(?=NAMESPACE|$)/ms.exec(pasted) ?? [];
    const { endpoints } = JSON.parse(answer) as CertificateAnswer;
    expect(Object.keys(endpoints)).toEqual(['my-pool', 'buildkit-system/shared-pool', 'tenant-b/private-pool']);

    first.process.kill('SIGINT');
    expect(await first.ended).toMatchObject({ status: 0, stderr: expect.any(String) as string });
    await expectNothingLeft();
  });

  it.each([
    [['--port', '99999'], '--port: expected 1 to 65535, got 99999'],
    [['--demo', '--exec', 'true'], '--demo and --exec: expected one of them'],
  ])('says what is wrong with %j', async (options, message) => {
    expect(await startIn(checkout, ...options).ended).toMatchObject({ status: 1, stderr: `npm start: ${message}\n` });
  });

  it.each(['etcd', 'kube-apiserver', 'functions.ts'])(
    'prints one line that says that %s was killed, and ends in order',
    async (part) => {
      const started = await serve(await findFreePort());
      const [found] = (await listProcesses(checkout)).filter((line) => line.includes(part));
      execFileSync('kill', ['-9', found?.split(' ')[0] ?? '']);
      const { status, stderr } = await started.ended;
      const name = part.replace('.ts', '');
      const lines = stderr.split('\n').filter((line) => line.includes('unexpectedly'));
      expect(lines).toEqual([
        expect.stringMatching(new RegExp(`^${name} ended unexpectedly \\(SIGKILL\\): stopping; its log is in `)),
      ]);
      expect(stderr).not.toMatch(/^ {4}at /m);
      expect(status).toBe(1);
      await expectNothingLeft();
    },
  );

  it.each(['launch.mjs', 'dev/start.ts'])('leaves nothing running when %s is killed with -9', async (program) => {
    await serve(await findFreePort());
    const lines = (await listProcesses(checkout)).filter((line) => line.includes(program));
    const launcher = lines.find((line) => line.includes('launch.mjs') === (program === 'launch.mjs'));
    execFileSync('kill', ['-9', launcher?.split(' ')[0] ?? '']);
    await expectNothingLeft();
  });
});

describe('npm start that is ended by another process', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('ends everything when npm itself gets %s', async (signal) => {
    const port = await findFreePort();
    const npm = spawn('npm', ['start', '--', '--port', String(port)], {
      cwd: checkout,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const closed = once(npm, 'close');
    let stdout = '';
    npm.stdout.on('data', (chunk) => (stdout += String(chunk)));
    await expect.poll(() => stdout, { timeout: 600_000 }).toContain('Ctrl-C ends everything.');
    npm.kill(signal);
    await closed;
    await expectNothingLeft();
  });

  it('leaves no key in .dev, only logs', async () => {
    await startIn(checkout, '--exec', 'true').ended;
    const files = readdirSync(join(checkout, '.dev'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.startsWith('lock') && !entry.parentPath.endsWith('/library'))
      .map(({ name }) => name);
    expect(files.filter((name) => !name.endsWith('.log'))).toEqual(['pid']);
    expect(files).toContain('etcd.log');
  });
});

describe('Ctrl-C while npm start is starting', () => {
  it('ends everything without a stack', async () => {
    const started = startGroupIn(checkout, '--port', String(await findFreePort()));
    await expect.poll(() => started.stderr(), { timeout: 600_000, interval: 5 }).toContain('installing the kinds');
    // A terminal sends it to the whole group, kubectl among it.
    process.kill(-(started.process.pid ?? NaN), 'SIGINT');
    const { status, stderr } = await started.ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.not.stringMatching(/EPIPE|^ {4}at /m) as string });
    await expectNothingLeft();
  });
});

describe('npm start -- --help', () => {
  it('prints the options', async () => {
    expect(await startIn(checkout, '--help').ended).toEqual({ status: 0, stdout: usage, stderr: '' });
  });
});

describe('npm start -- --demo', () => {
  it('plays docs/demo.md with its prose, and says that every answer is the one on the page', async () => {
    const { status, stdout } = await startIn(checkout, '--demo').ended;
    expect(stdout).not.toContain('^ expected:');
    expect(stdout).toContain('Two tenants and a platform team share one cluster.');
    expect(stdout).toMatch(/^(\d+) of \1 answers are those of docs\/demo.md\n$/m);
    expect(status).toBe(0);
  });
});
