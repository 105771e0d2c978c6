/** Builds through the gateway of a pool, from none to a worker: unmodified clients, and every part a Pod of the node. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CERTIFICATES_PATH, type CertificateAnswer } from '../../api/http/certificates.ts';
import { TOKEN_AUDIENCE } from '../../api/names.ts';
import { findFreePort } from '../../dev/child.ts';
import { find } from '../../dev/control-plane/find.ts';
import { buildkit, buildx } from '../../dev/control-plane/table.ts';
import { startForward } from '../../dev/node/forward.ts';
import { install } from '../../dev/node/install.ts';
import { apply, importImage, kubectl, missing, run } from './cluster.ts';

const teams = ['builds-a', 'builds-b'] as const;
type Team = (typeof teams)[number];
const poolName = 'builds';
const ends = new AsyncDisposableStack();

let folder: string;
let apiUrl: string;

interface Printed {
  readonly status: number | string | undefined;
  /** Of both streams. */
  readonly output: string;
}

/** With a configuration of its own, as a job of a pipeline has. */
const runClient = (
  file: string,
  args: readonly string[],
  clientFolder: string,
  onText: (text: string) => void = () => undefined,
): Promise<Printed> =>
  new Promise((resolve) => {
    const env = { HOME: clientFolder, PATH: process.env['PATH'] ?? '' };
    const child = execFile(file, args, { env, timeout: 240_000 }, (_error, stdout, stderr) => {
      resolve({ status: child.exitCode ?? child.signalCode ?? undefined, output: stdout + stderr });
    });
    child.stdout?.on('data', onText);
    child.stderr?.on('data', onText);
  });

/** Node and its libraries: the only programs of the image that is built. */
async function writeContext(): Promise<void> {
  const root = join(folder, 'context/root');
  const { output } = await runClient('ldd', [process.execPath], folder);
  await mkdir(root, { recursive: true });
  await cp(process.execPath, join(root, 'node'));
  for (const library of output.match(/\/\S+/g) ?? []) {
    await mkdir(dirname(join(root, library)), { recursive: true });
    await cp(library, join(root, library), { dereference: true });
  }
}

/** The step appends to its cache, so that what it prints says which builds ran it. */
const dockerfile = (build: string): string => {
  const script = [
    'const fs = require("node:fs")',
    `fs.appendFileSync("/cache/builds", "${build},")`,
    'console.log("builds=" + fs.readFileSync("/cache/builds"))',
    'console.log("secrets=" + fs.existsSync("/var/run/secrets"))',
  ].join(';');
  return runStep(script);
};

const runStep = (script: string): string =>
  `FROM scratch\nCOPY root /\nRUN --mount=type=cache,target=/cache ${JSON.stringify(['/node', '--eval', script])}\n`;

/** Prints of each what answers there. */
const asking = (calls: Readonly<Record<string, readonly [method: string, url: string]>>): string => `
  const ask = (method, url) =>
    fetch(url, { method, signal: AbortSignal.timeout(3000) }).then(({ status }) => status, () => 'closed');
  (async () => {
    for (const [name, call] of ${JSON.stringify(Object.entries(calls))}) console.log(name + '=' + (await ask(...call)));
  })();`;

interface Job {
  readonly team: Team;
  /** With the certificate, and what its clients keep. */
  readonly clientFolder: string;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** One certificate for the pool of the job's team. */
async function startJob(team: Team): Promise<Job> {
  const token = (await run(['create', 'token', 'ci', '-n', team, `--audience=${TOKEN_AUDIENCE}`])).trim();
  const answer = await fetch(apiUrl + CERTIFICATES_PATH, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ pools: [poolName] }),
  });
  const text = await answer.text();
  expect(answer.status, text).toBe(200);
  const { caCert, clientCert, clientKey = '', endpoints } = JSON.parse(text) as CertificateAnswer;
  expect(endpoints).toEqual({ [poolName]: `tcp://${nameOf(team)}:1235` });
  const clientFolder = await mkdtemp(join(folder, `${team}-`));
  const [caFile, certFile, keyFile] = ['ca.pem', 'cert.pem', 'key.pem'].map((name) => join(clientFolder, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(caFile, caCert);
  await writeFile(certFile, clientCert);
  await writeFile(keyFile, clientKey, { mode: 0o600 });
  return { team, clientFolder, caFile, certFile, keyFile };
}

const nameOf = (team: Team): string => `${poolName}.${team}.svc`;

/** Names of the cluster mean nothing on this machine, which reaches its Services by their addresses. */
const addressOf = async (team: Team): Promise<string> =>
  `tcp://${await run(['get', 'service', poolName, '-n', team, '-o', 'jsonpath={.spec.clusterIP}'])}:1235`;

async function writeDockerfile({ clientFolder }: Job, text: string): Promise<string> {
  const file = join(clientFolder, 'Dockerfile');
  await writeFile(file, text);
  return file;
}

interface Building {
  /** Whose pool; that of the job when absent. */
  readonly pool?: Team;
  readonly onText?: (text: string) => void;
}

async function buildWithBuildctl(job: Job, text: string, { pool = job.team, onText }: Building = {}): Promise<Printed> {
  const { buildctl } = await find(buildkit);
  await writeDockerfile(job, text);
  const tls = ['--tlscacert', job.caFile, '--tlscert', job.certFile, '--tlskey', job.keyFile];
  const server = ['--addr', await addressOf(pool), '--tlsservername', nameOf(pool)];
  const source = ['--local', `context=${join(folder, 'context')}`, '--local', `dockerfile=${job.clientFolder}`];
  const args = [...server, ...tls, 'build', '--progress=plain', '--frontend=dockerfile.v0', ...source];
  return await runClient(buildctl, args, job.clientFolder, onText);
}

async function buildWithBuildx(job: Job, text: string): Promise<Printed> {
  const { buildx: file } = await find(buildx);
  const dockerfilePath = await writeDockerfile(job, text);
  const pair = `cacert=${job.caFile},cert=${job.certFile},key=${job.keyFile},servername=${nameOf(job.team)}`;
  const driver = ['--driver=remote', `--driver-opt=${pair}`, await addressOf(job.team)];
  const created = await runClient(file, ['create', '--name=pool', ...driver], job.clientFolder);
  expect(created).toMatchObject({ status: 0 });
  const output = ['--progress=plain', '--output=type=cacheonly', '--file', dockerfilePath];
  return await runClient(file, ['build', '--builder=pool', ...output, join(folder, 'context')], job.clientFolder);
}

const read = (team: Team, object: string, path: string): Promise<string> =>
  run(['get', object, '-n', team, '-o', `jsonpath=${path}`]);

/** Its jobs may build on its own pool, by the grant that a pool has for its own namespace. */
async function makeTeam(team: Team): Promise<void> {
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: team } });
  await apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'ci', namespace: team } });
  await apply({
    apiVersion: 'buildkit.smrt-devops.net/v1beta1',
    kind: 'BuildKitPool',
    metadata: { name: poolName, namespace: team },
    spec: {},
  });
}

async function waitForGateway(team: Team): Promise<void> {
  const deployment = `deployment/${poolName}-gateway`;
  await run(['wait', '-n', team, deployment, '--for=create', '--timeout=120s']);
  await run(['wait', '-n', team, deployment, '--for=condition=Available', '--timeout=120s']);
}

describe.skipIf(missing !== undefined)(`builds on a node (${missing ?? 'Linux, as root'})`, () => {
  const jobs = {} as Record<Team, Job>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'builds-'));
    ends.defer(() => rm(folder, { recursive: true, force: true }));
    await writeContext();
    await install({ cluster: { importImage, kubectl }, folder, report: console.error });
    const port = await findFreePort();
    const forward = await startForward({ kubectl, port });
    ends.defer(() => {
      forward.close();
    });
    apiUrl = `http://127.0.0.1:${port}`;
    for (const team of teams) await makeTeam(team);
    for (const team of teams) await waitForGateway(team);
    for (const team of teams) jobs[team] = await startJob(team);
  });
  afterAll(async () => {
    await run(['delete', 'namespace', ...teams, '--wait=false']);
    await ends.disposeAsync();
  });

  it('begin with a pool that has no worker', async () => {
    for (const team of teams) {
      expect(await run(['get', 'buildkitworkers', '-n', team, '-o', 'name'])).toBe('');
      expect(await read(team, 'bkp/builds', '{.status.phase}')).toBe('ScaledToZero');
    }
  });

  it('of buildctl get a worker that is made for them, where a step finds no token', async () => {
    const { status, output } = await buildWithBuildctl(jobs['builds-a'], dockerfile('first'));
    expect(output).toContain('builds=first,');
    expect(output).toContain('secrets=false');
    expect(status).toBe(0);
    await run(['wait', '-n', 'builds-a', 'bkw', '--all', '--for=jsonpath={.status.phase}=Allocated', '--timeout=60s']);
    expect(await read('builds-a', 'bkw', '{.items[*].spec.lease.holder}')).toBe('system:serviceaccount:builds-a:ci');
  });

  it('of the same certificate find their caches', async () => {
    const { status, output } = await buildWithBuildctl(jobs['builds-a'], dockerfile('second'));
    expect(output).toMatch(/COPY root \/\n#\d+ CACHED/);
    expect(output).toContain('builds=first,second,');
    expect(status).toBe(0);
    expect((await read('builds-a', 'bkw', '{.items[*].metadata.name}')).split(' ')).toHaveLength(1);
  });

  it('reach no function of ours, and at a gateway what takes the CSRs of workers alone', async () => {
    const pods = ['get', 'pods', '-A', '-o', 'jsonpath={.items[0].status.podIP}', '-l'];
    const lifecycle = await run([...pods, 'app.kubernetes.io/name=buildkit-lifecycle']);
    const gateway = await run([...pods, 'buildkit.smrt-devops.net/pool=builds']);
    const services = ['get', 'services', '-n', 'builds-a', '-o'];
    const keys = await run([...services, 'jsonpath={.items[?(@.spec.ports[0].name=="keys")].spec.clusterIP}:1236']);
    const script = asking({
      lifecycle: ['GET', `http://${lifecycle}:8080/readyz`],
      metrics: ['GET', `http://${gateway}:9090/metrics`],
      events: ['POST', `http://${keys}/lifecycle/events`],
      keys: ['POST', `http://${keys}/lifecycle/keys/worker`],
    });
    const { status, output } = await buildWithBuildctl(jobs['builds-a'], runStep(script));
    expect(output).toMatch(/lifecycle=closed\n[^\n]*metrics=closed\n[^\n]*events=404\n[^\n]*keys=401/);
    expect(status).toBe(0);
  });

  it('of buildx get one, too, and share nothing with another tenant', async () => {
    const { status, output } = await buildWithBuildx(jobs['builds-b'], dockerfile('other'));
    expect(output).toContain('builds=other,');
    expect(output).toContain('secrets=false');
    expect(status).toBe(0);
  });

  it('are counted in the status of the pool', async () => {
    for (const team of teams) {
      const counted = ['{.status.workers.allocated}=1', '{.status.connections.total}'];
      for (const path of counted) {
        await run(['wait', '-n', team, `bkp/${poolName}`, `--for=jsonpath=${path}`, '--timeout=60s']);
      }
    }
  });

  it('are cut when the grant that let them in goes away, and nobody else’s are', async () => {
    const step = (seconds: number): string => runStep(`console.log("begun"); setTimeout(() => {}, ${seconds * 1000});`);
    const begun = Promise.withResolvers<undefined>();
    const onText = (text: string): void => {
      if (text.includes(' begun')) begun.resolve(undefined);
    };
    const untouched = buildWithBuildctl(jobs['builds-a'], step(45));
    const cut = buildWithBuildctl(jobs['builds-b'], step(200), { onText });
    await begun.promise;
    const access = { clients: { namespaces: { from: 'None' } } };
    await run(['patch', 'bkp', poolName, '-n', 'builds-b', '--type=merge', '-p', JSON.stringify({ spec: { access } })]);
    const takenAt = performance.now();
    const ended = await cut;
    console.error(`cut ${Math.round(performance.now() - takenAt)} ms after the grant was taken away`);
    expect(ended.status).not.toBe(0);
    expect(ended.output).toContain('Unavailable');
    const refused = await buildWithBuildctl(jobs['builds-b'], step(0));
    expect(refused.output).toContain('PermissionDenied');
    expect(await untouched).toMatchObject({ status: 0 });
  });

  it('are refused at a pool that the certificate does not name', async () => {
    const { status, output } = await buildWithBuildctl(jobs['builds-b'], dockerfile('foreign'), { pool: 'builds-a' });
    expect(status).not.toBe(0);
    expect(output).toContain('PermissionDenied');
    expect((await read('builds-a', 'bkw', '{.items[*].metadata.name}')).split(' ')).toHaveLength(1);
  });
});
