import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CertificateAnswer } from '../../api/http/certificates.ts';
import { findFreePort } from '../../dev/child.ts';
import { listProcesses, makeCheckout, startIn, type Started } from './checkout.ts';

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
      `npm start: port ${port} is in use: stop what listens there, or choose another with --port\n`,
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
    'tells in one line that %s was killed, and ends in order',
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

describe('npm start -- --demo', () => {
  it('plays docs/demo.md, and every answer is the one that stands there', async () => {
    const { status, stdout } = await startIn(checkout, '--demo').ended;
    expect(stdout).not.toContain('^ expected:');
    expect(status).toBe(0);
  });
});
