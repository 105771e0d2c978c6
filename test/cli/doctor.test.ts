import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runDoctor, type DoctorPorts } from '../../cli/doctor.ts';
import { CHECKS } from '../../core/doctor/diagnose.ts';
import type { Observed } from '../../core/doctor/observed.ts';

/** Nothing may be seen, so nothing is found. */
const blind: Observed = {
  kubernetes: 'hidden',
  namespace: 'hidden',
  settings: 'hidden',
  trust: 'hidden',
  definitions: {},
  mutating: 'hidden',
  validating: 'hidden',
  admission: 'hidden',
  conversion: 'hidden',
  secrets: {},
  accounts: 'hidden',
  deployments: 'hidden',
  pods: 'hidden',
  endpointSlices: 'hidden',
  jobs: 'hidden',
  cronJobs: 'hidden',
  certManagerCertificates: 'hidden',
  knativeServices: 'hidden',
  apiServerSources: 'hidden',
  pingSources: 'hidden',
  missingRights: 'hidden',
  pools: 'hidden',
  workers: 'hidden',
  oidcConfigs: 'hidden',
  unseen: [],
  skipped: [],
};

async function type(observed: Partial<Observed>, json = false, api?: string) {
  const lines: string[] = [];
  const ports: DoctorPorts = {
    now: () => 0,
    readRelease: () => Promise.resolve({ mutating: [], validating: [], workloads: [], accounts: [], rights: [] }),
    observe: () => Promise.resolve({ ...blind, ...observed }),
    askApi: (url, roots) => Promise.resolve({ status: 503, message: `${url} with ${roots}` }),
    describe: () => {
      throw new Error('no certificate');
    },
    isSignedBy: () => false,
    write: (line) => void lines.push(line),
  };
  return { status: await runDoctor(ports, { json, ...(api === undefined ? {} : { api }) }), lines };
}

const nothingBuilds = 'nothing builds here at this moment: pools: 0, gateways ready: 0, workers ready: 0';

describe('bkctl doctor', () => {
  it('says that nothing builds unless a gateway and a worker are ready', async () => {
    const condition = { type: 'GatewayReady', status: 'True' } as const;
    const pools = [{ metadata: { name: 'p', namespace: 'n' }, status: { conditions: [condition] } }];
    const workers = [{ metadata: { name: 'w' }, spec: { poolRef: { name: 'p' } }, status: { phase: 'Idle' } }];
    expect((await type({ pools, workers })).lines).toEqual(['nothing is wrong']);
    expect((await type({ pools: [], workers: [] })).lines).toEqual([nothingBuilds, 'nothing is wrong']);
  });

  it('reports that nothing is wrong', async () => {
    expect(await type({})).toEqual({ status: 0, lines: ['nothing is wrong'] });
  });

  it('reports the object, the fault and the fix', async () => {
    const { status, lines } = await type({
      namespace: 'absent',
      unseen: [
        'pods is forbidden: User "me" cannot list resource "pods" in API group "" in the namespace "buildkit-system"',
        'jobs.batch is forbidden: User "me" cannot list resource "jobs" in API group "batch"',
      ],
    });
    expect(status).toBe(1);
    expect(lines).toEqual([
      'warning unseen: your rights',
      '  you may not list pods, list jobs.batch',
      '  fix: Ask to be bound to the ClusterRole and the Role `buildkit-doctor`, or for the rights that are named.',
      '',
      'error namespace_absent: Namespace/buildkit-system',
      '  is not there',
      '  fix: Install: `kubectl apply -k` of your overlay.',
      '',
      'errors: 1, warnings: 1',
    ]);
  });

  it('reports checks that it skipped for lack of a right, and does not count them', async () => {
    expect(await type({ skipped: ['a dry run', 'the Secrets'] })).toEqual({
      status: 0,
      lines: ['not checked, because you may not: a dry run, the Secrets', 'nothing is wrong'],
    });
  });

  it('strips control characters from text that it prints', async () => {
    const { lines } = await type({ unseen: ['no\u001b[2J\r\nnothing is wrong'] });
    expect(lines[1]).toBe('  you may not no [2J nothing is wrong');
  });

  it('prints JSON', async () => {
    const { status, lines } = await type({ namespace: 'absent', skipped: ['a dry run'] }, true);
    expect(status).toBe(1);
    expect(JSON.parse(lines.join('\n'))).toEqual({
      findings: [
        {
          code: 'namespace_absent',
          severity: 'error',
          where: 'Namespace/buildkit-system',
          what: 'is not there',
          remedy: 'Install: `kubectl apply -k` of your overlay.',
        },
      ],
      skipped: ['a dry run'],
    });
  });

  it('calls the API at the given address, and trusts the bundle', async () => {
    const { lines } = await type({ trust: { data: { 'ca.crt': 'roots' } } }, true, 'https://a');
    const { findings } = JSON.parse(lines.join('\n')) as { findings: object[] };
    expect(findings).toContainEqual(
      expect.objectContaining({ code: 'api_unreachable', where: 'https://a', what: 'https://a with roots' }),
    );
  });

  it('reports certificates that do not parse as a finding', async () => {
    const status = JSON.stringify({ certificates: [{ name: 'root', role: 'current', certificate: 'x' }] });
    const { lines } = await type({ trust: { data: { 'ca.crt': 'x', 'status.json': status } } });
    expect(lines.slice(0, 2)).toEqual([
      'error ca_unsound: ConfigMap/buildkit-system/buildkit-trust-bundle',
      '  expected certificates, got something else',
    ]);
  });
});

describe('docs/doctor.md', () => {
  it('lists every check in its order, with its meaning and its remedy', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/doctor.md'), 'utf8');
    const rows = CHECKS.map(
      ({ code, severity, meaning, remedy }) => `| \`${code}\` | ${severity} | ${meaning} | ${remedy} |`,
    );
    expect(page).toContain(`\n${rows.join('\n')}\n`);
  });
});
