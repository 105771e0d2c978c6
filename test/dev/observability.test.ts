/** Prometheus' own tool judges the rules, their tests, the way to the metrics and every query of the dashboard. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { find } from '../../dev/control-plane/find.ts';
import { prometheus } from '../../dev/control-plane/table.ts';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'manifests/observability');

let promtool: string;
let scratch: string;
beforeAll(async () => {
  ({ promtool } = await find(prometheus));
  scratch = await mkdtemp(join(tmpdir(), 'promtool-'));
});
afterAll(() => rm(scratch, { recursive: true }));

/** @throws with what it said, where it found fault. */
const check = async (...args: readonly string[]): Promise<string> => (await promisify(execFile)(promtool, args)).stdout;

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

describe('promtool', () => {
  it('finds no fault in the alerts', async () => {
    expect(await check('check', 'rules', '--lint=all', '--lint-fatal', join(folder, 'alerts.yaml'))).toContain(
      'SUCCESS',
    );
  });

  it('sees each alert fire when it should, and no other time', async () => {
    const said = await check('test', 'rules', join(root, 'test/fixtures/observability/alerts.test.yaml'));
    expect(said).toContain('SUCCESS');
  });

  it('sees an alert that does not fire', async () => {
    const tests = await readFile(join(root, 'test/fixtures/observability/alerts.test.yaml'), 'utf8');
    const file = join(scratch, 'alerts.test.yaml');
    const rules = join(folder, 'alerts.yaml');
    await writeFile(
      file,
      tests.replace('../../../manifests/observability/alerts.yaml', rules).replace("'3+0x20'", "'0+3x20'"),
    );
    await expect(check('test', 'rules', '--run=BuildKitConversionFailing', file)).rejects.toThrow(
      'BuildKitConversionFailing',
    );
  });

  it('finds no fault in the way to the metrics', async () => {
    expect(await check('check', 'config', join(folder, 'scrape.yaml'))).toContain('valid prometheus config');
  });

  it('understands every query of the dashboard', async () => {
    const { panels } = JSON.parse(await readFile(join(folder, 'dashboard.json'), 'utf8')) as { panels: Panel[] };
    const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    expect(queries.length).toBeGreaterThan(20);
    // Grafana puts a duration in this place.
    const rules = queries.map((expr, index) => ({
      record: `query:${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m'),
    }));
    const file = join(scratch, 'queries.yaml');
    await writeFile(file, JSON.stringify({ groups: [{ name: 'queries', rules }] }));
    expect(await check('check', 'rules', '--lint=none', file)).toContain(`SUCCESS: ${queries.length} rules found`);
  });
});
