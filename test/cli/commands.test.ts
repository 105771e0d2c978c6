import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isSignedBy } from '../../adapters/x509/authorities.ts';
import { describeCertificate } from '../../adapters/x509/describe.ts';
import { intermediateCaTtlSeconds, overdueSeconds, serverLeafTtlSeconds } from '../../api/limits/authority.ts';
import { runCaRotate, runCaShow, type CommandPorts } from '../../cli/commands.ts';
import { createWorld, day, run, start } from '../functions/authority/world.ts';

type World = ReturnType<typeof createWorld>;

function createTerminal(world: World, now: number, change: Partial<CommandPorts> = {}) {
  const said = { out: [] as string[], err: [] as string[], asked: [] as string[], jobs: [] as string[] };
  const ports: CommandPorts = {
    now: () => now * 1000,
    newSuffix: () => '0badcafe',
    getTrust: () => Promise.resolve(world.world.trust),
    requestRotation: (time) => Promise.resolve(said.asked.push(time) > 0),
    startJob: (suffix) => {
      said.jobs.push(suffix);
      return Promise.resolve({ job: `buildkit-authority-${suffix}` });
    },
    describe: describeCertificate,
    isSignedBy,
    write: (line) => void said.out.push(line),
    complain: (line) => void said.err.push(line),
    ...change,
  };
  return { said, ports };
}

async function makeWorld(...runs: Parameters<World['makePorts']>[]): Promise<World> {
  const world = createWorld();
  await run(world.makePorts(start));
  for (const at of runs) await run(world.makePorts(...at));
  return world;
}

const asked: Parameters<World['makePorts']>[1] = { askedAt: start + 1 };
const json = { json: false };

describe('bkctl ca show', () => {
  it('prints every certificate, who signed it, when it ends and what comes next', async () => {
    const { said, ports } = createTerminal(await makeWorld(), start + 1);
    expect(await runCaShow(ports, json)).toBe(0);
    expect(said).toMatchObject({ err: [] });
    expect(said.out).toEqual([
      'CERTIFICATE   ROLE      SIGNED BY   EXPIRES                NEXT',
      'root          current   itself      2037-01-12T08:00:00Z   replace from 2032-01-14T07:59:30Z',
      'clients       current   root        2027-02-14T08:00:00Z   renew from 2027-01-30T07:59:30Z',
      'servers       current   root        2027-02-14T08:00:00Z   renew from 2027-01-30T07:59:30Z',
      'api-tls       current   servers     2027-01-29T08:00:00Z   renew from 2027-01-22T07:59:30Z',
      'webhooks      current   itself      2037-01-12T08:00:00Z   replace from 2032-01-14T07:59:30Z',
      'webhook-tls   current   webhooks    2028-01-15T08:00:00Z   renew from 2027-07-16T19:59:30Z',
    ]);
    const page = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
    expect(page).toContain(`\n${said.out.join('\n')}\n`);
  });

  it('prints the roots of a rotation in the order of their life', async () => {
    const world = await makeWorld([start + 60, asked]);
    const { said, ports } = createTerminal(world, start + 61);
    expect(await runCaShow(ports, json)).toBe(0);
    expect(said.out.slice(1, 4)).toEqual([
      'root          current   itself      2037-01-12T08:00:00Z',
      'root          next      itself      2037-01-12T08:01:00Z   promote from 2027-01-16T09:01:00Z',
      'clients       current   root        2027-02-14T08:00:00Z   renew from 2027-01-30T07:59:30Z',
    ]);
    await run(world.makePorts(start + 2 * day, asked));
    const later = createTerminal(world, start + 2 * day);
    expect(await runCaShow(later.ports, json)).toBe(0);
    expect(later.said.out.slice(1, 4)).toEqual([
      'root          previous   itself      2037-01-12T08:00:00Z   retire from 2027-02-16T08:00:00Z',
      'root          current    itself      2037-01-12T08:01:00Z',
      'clients       current    root        2027-02-16T08:00:00Z   renew from 2027-02-01T07:59:30Z',
    ]);
  });

  it('prints JSON with the trust bundle, and no key', async () => {
    const world = await makeWorld();
    const { said, ports } = createTerminal(world, start + 1);
    expect(await runCaShow(ports, { json: true })).toBe(0);
    const shown = JSON.parse(said.out.join('\n')) as { certificates: object[]; problems: string[]; bundle: string };
    expect(shown).toMatchObject({ problems: [], bundle: world.world.trust?.roots });
    expect(shown.certificates[1]).toEqual({
      name: 'clients',
      role: 'current',
      subject: 'CN=buildkit-controller clients',
      serial: expect.stringMatching(/^[0-9A-F]{32}$/) as string,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      notBefore: '2027-01-15T07:59:00Z',
      notAfter: '2027-02-14T08:00:00Z',
      signedBy: 'root',
      next: { action: 'renew', notBefore: '2027-01-30T07:59:30Z' },
    });
    expect(said.out.join('\n')).not.toContain('PRIVATE');
  });

  it('reports what is overdue or has expired', async () => {
    const world = await makeWorld();
    const due = start + serverLeafTtlSeconds / 2 - 30;
    const early = createTerminal(world, due + overdueSeconds);
    expect(await runCaShow(early.ports, json)).toBe(0);
    const late = createTerminal(world, start + intermediateCaTtlSeconds);
    expect(await runCaShow(late.ports, json)).toBe(1);
    expect(late.said.err).toEqual(
      [
        ['clients', '2027-01-30T07:59:30Z'],
        ['servers', '2027-01-30T07:59:30Z'],
        ['api-tls', '2027-01-22T07:59:30Z'],
      ].flatMap(([name, due]) => [
        `bkctl: ${name}: has ended`,
        `bkctl: ${name}: overdue since ${due}: does the authority run every day?`,
      ]),
    );
  });

  it('reports a bundle that the authority did not publish, and certificates that no CA signed', async () => {
    const [world, other] = [await makeWorld(), await makeWorld()];
    const trust = { ...world.world.trust, roots: other.world.trust?.roots ?? '' };
    const strange = createTerminal(world, start + 1, { getTrust: () => Promise.resolve(trust) });
    expect(await runCaShow(strange.ports, json)).toBe(1);
    expect(strange.said.err).toEqual([
      'bkctl: the trust bundle holds other roots than the authority reported in its last run',
    ]);
    const status = world.world.trust?.status?.replace(
      JSON.stringify(world.read('buildkit-client-ca')),
      JSON.stringify(other.read('buildkit-client-ca')),
    );
    const mixed = { ...world.world.trust, ...(status === undefined ? {} : { status }) };
    const orphan = createTerminal(world, start + 1, { getTrust: () => Promise.resolve(mixed) });
    expect(await runCaShow(orphan.ports, json)).toBe(1);
    expect(orphan.said.err).toEqual(['bkctl: clients: expected one signed by a CA of these']);
  });

  it.each([
    [undefined, 'no ConfigMap buildkit-trust-bundle: has the authority run?'],
    [{}, 'ConfigMap buildkit-trust-bundle: expected what the authority tells'],
    [{ status: 'x' }, 'ConfigMap buildkit-trust-bundle: expected what the authority tells'],
    [{ status: '{"certificates":[{}]}' }, 'ConfigMap buildkit-trust-bundle: expected what the authority tells'],
    [{ status: '{"certificates":[]}' }, 'the authority has not finished a run yet'],
    [
      { status: '{"certificates":[{"name":"root","role":"current","certificate":"x"}]}' },
      'ConfigMap buildkit-trust-bundle: expected certificates, got something else',
    ],
  ])('says what is wrong with the trust bundle %j', async (trust, message) => {
    const { said, ports } = createTerminal(createWorld(), start, { getTrust: () => Promise.resolve(trust) });
    expect(await runCaShow(ports, json)).toBe(1);
    expect(said).toMatchObject({ out: [], err: [`bkctl: ${message}`] });
  });
});

describe('bkctl ca rotate', () => {
  it('asks for a new root and starts a run', async () => {
    const { said, ports } = createTerminal(await makeWorld(), start + 5);
    expect(await runCaRotate(ports, { isDryRun: false })).toBe(0);
    expect(said).toEqual({
      out: [
        'requested a new root: the authority prepares it the next time it runs',
        'job buildkit-authority-0badcafe runs it now',
        'the new root signs a day after it is trusted; the old one stays trusted until its last certificate ends',
      ],
      err: [],
      asked: ['2027-01-15T08:00:05Z'],
      jobs: ['0badcafe'],
    });
  });

  it('writes nothing in a dry run, and says what would happen', async () => {
    const { said, ports } = createTerminal(await makeWorld(), start + 5);
    expect(await runCaRotate(ports, { isDryRun: true })).toBe(0);
    expect(said).toMatchObject({ err: [], asked: [], jobs: [] });
    expect(said.out[0]).toMatch(/^dry run: this would request a new root/);
  });

  it('says why bkctl started no Job, and that another may', async () => {
    const startJob = () => Promise.resolve({ reason: 'there is no CronJob buildkit-authority' });
    const { said, ports } = createTerminal(await makeWorld(), start + 5, { startJob });
    expect(await runCaRotate(ports, { isDryRun: false })).toBe(0);
    expect(said.out[1]).toBe(
      'bkctl started no Job: there is no CronJob buildkit-authority; whatever runs the authority here runs it when it is due',
    );
  });

  it.each([
    [start + 60, 'the next root signs from 2027-01-16T09:01:00Z'],
    [start + 2 * day, 'the previous root is trusted until 2027-02-16T08:00:00Z'],
  ])('is refused in the middle of a rotation', async (time, what) => {
    const { said, ports } = createTerminal(await makeWorld([start + 60, asked], [time, asked]), time);
    expect(await runCaRotate(ports, { isDryRun: false })).toBe(1);
    expect(said).toEqual({
      out: [],
      err: [`bkctl: a rotation is under way already: ${what}; ask again when it is over`],
      asked: [],
      jobs: [],
    });
  });

  it('is refused where no authority has run', async () => {
    const { said, ports } = createTerminal(await makeWorld(), start, { requestRotation: () => Promise.resolve(false) });
    expect(await runCaRotate(ports, { isDryRun: false })).toBe(1);
    expect(said.err).toEqual(['bkctl: the authority has not run yet: there is nothing to rotate']);
    expect(said.jobs).toEqual([]);
  });
});
