/** `bkctl doctor`: each finding, by breaking that thing on a real apiserver. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHECKS } from '../../core/doctor/diagnose.ts';
import { bkctl, makePerson } from './bkctl.ts';
import { beside, type Breakage } from './doctor-breakages.ts';
import { inside } from './doctor-breakages-inside.ts';
import { bringUpPatient, installPlain, type Patient } from './doctor-system.ts';

let folder: string;
let patient: Patient;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doctor-'));
  patient = await bringUpPatient();
});
afterAll(async () => {
  await patient.end();
  await rm(folder, { recursive: true, force: true });
});

/** The apiserver learns of a registration that changed a moment later, and goes by the one before until then. */
const soon = { timeout: 120_000, interval: 200 };

const codes = new Set<string>();

/** `<code> <where>: <what>` of each finding. */
async function examine(laterMs = 0): Promise<string[]> {
  const findings = await patient.examine(laterMs);
  for (const { code } of findings) codes.add(code);
  return findings.map(({ code, where, what }) => `${code} ${where}: ${what}`);
}

const asPatterns = (found: readonly (string | RegExp)[]): unknown[] =>
  found.map((one) => (typeof one === 'string' ? one : (expect.stringMatching(one) as unknown)));

const nothingBuilds = 'nothing builds here at this moment: pools: 0, gateways ready: 0, workers ready: 0\n';

describe('beside a cluster, as under npm start', () => {
  it('finds nothing wrong', async () => {
    expect(await bkctl(patient.stack.kubeconfig, 'doctor')).toEqual({
      status: 0,
      stdout: `${nothingBuilds}nothing is wrong\n`,
      stderr: '',
    });
  });

  it('finds an API that does not answer, where it is told to ask', async () => {
    const { kubeconfig, apiUrl } = patient.stack;
    expect(await bkctl(kubeconfig, 'doctor', '--api', apiUrl)).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.any(String) as string,
    });
    const { status, stdout } = await bkctl(kubeconfig, 'doctor', '--api', 'http://127.0.0.1:9');
    expect(status).toBe(1);
    expect(stdout).toMatch(/^error api_unreachable: http:\/\/127.0.0.1:9\n {2}connect ECONNREFUSED/);
    codes.add('api_unreachable');
  });

  it('finds nothing wrong with the rights of the role that ships, which sees no Secret', async () => {
    const person = await makePerson(patient, 'doctor', folder);
    const account = '--serviceaccount=tenant:doctor';
    await patient.run('create', 'clusterrolebinding', 'doctors', '--clusterrole=buildkit-doctor', account);
    await patient.run('create', 'rolebinding', 'doctors', '-n', 'buildkit-system', '--role=buildkit-doctor', account);
    expect(await bkctl(person, 'doctor')).toEqual({
      status: 0,
      stdout: `not checked, because you may not: whether the Secrets of the CAs are there, a dry run of a worker in buildkit-system\n${nothingBuilds}nothing is wrong\n`,
      stderr: '',
    });
  });

  it('says what somebody without rights may not see, and no more', async () => {
    const person = await makePerson(patient, 'stranger', folder);
    const { status, stdout, stderr } = await bkctl(person, 'doctor', '--json');
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    const { findings } = JSON.parse(stdout) as { findings: { code: string; where: string; what: string }[] };
    expect(findings.map(({ code, where }) => `${code} ${where}`)).toEqual(['unseen your rights']);
    expect(findings[0]?.what).toMatch(/^you may not .*get configmaps.*list pods/);
    codes.add('unseen');
  });

  it.each(beside)('finds $name, and nothing else', findAndMend);

  it('finds nothing wrong when all is mended', async () => {
    await expect.poll(() => examine(), soon).toEqual([]);
  });
});

describe('in a cluster, with overlay plain', () => {
  it('finds nothing wrong', async () => {
    await installPlain(patient);
    expect(await examine()).toEqual([]);
  });

  it.each(inside)('finds $name, and nothing else', findAndMend);

  it('finds nothing wrong when all is mended', async () => {
    await expect.poll(() => examine(), soon).toEqual([]);
  });

  it('finds that the namespace is gone, and says nothing of what was in it but what that breaks', async () => {
    await patient.run('delete', 'namespace', 'buildkit-system');
    expect((await examine())[0]).toBe('namespace_absent Namespace/buildkit-system: is not there');
  });
});

/** No other release of Kubernetes is here: that one answer is made up. */
it('finds a cluster that is too old', async () => {
  const { kubernetes, unseen, ...rest } = await patient.observe();
  const found = patient.judge({ ...rest, unseen, kubernetes: { major: '1', minor: '32+', gitVersion: 'v1.32.9-eks' } });
  expect(kubernetes).toMatchObject({ major: '1' });
  for (const { code } of found) codes.add(code);
  expect(found).toContainEqual(
    expect.objectContaining({ where: 'the apiserver', what: 'expected 1.33 or newer, got v1.32.9-eks' }),
  );
});

it('has found everything that it can find', () => {
  expect([...codes].toSorted()).toEqual(CHECKS.map(({ code }) => code).toSorted());
});

async function findAndMend({ break: harm, laterMs, found, mend }: Breakage): Promise<void> {
  await harm(patient);
  try {
    await expect.poll(() => examine(laterMs), soon).toEqual(asPatterns(found));
  } finally {
    // What comes after is found alone.
    await mend(patient);
  }
}
