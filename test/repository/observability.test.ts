/** The page of what the parts tell says all that they tell, and no more. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createBridgeMetrics } from '../../adapters/observe/bridge-metrics.ts';
import { createCertificateMetrics } from '../../adapters/observe/certificate-metrics.ts';
import { createFunctionMetrics } from '../../adapters/observe/function-metrics.ts';
import { createGatewayMetrics } from '../../adapters/observe/gateway-metrics.ts';
import type { PartMetrics } from '../../adapters/observe/part-metrics.ts';
import { createWebhookMetrics } from '../../adapters/observe/webhook-metrics.ts';
import { METRICS } from '../../api/names.ts';
import { STATUS_REFUSED } from '../../core/kubernetes-events/event.ts';
import { REFERENCE_REASONS } from '../../core/lifecycle/reasons.ts';
import { OIDC_CONFIG_REASONS, REASONS } from '../../core/status/reasons.ts';
import { findLogCalls } from './log-calls.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const page = read('docs/observability.md');

/** Cells of the rows below this heading, by row. */
const readTable = (heading: string): readonly (readonly string[])[] =>
  (page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
    .slice(1)
    .map((line) => line.slice(1, -1).split('|'))
    .map((cells) => cells.map((cell) => cell.trim()));

const unquote = (cell = ''): string => cell.replaceAll('`', '');

function createParts(): Readonly<Record<string, PartMetrics>> {
  const [webhooks, api] = [createWebhookMetrics(), createCertificateMetrics('/nowhere')];
  const gateway = createGatewayMetrics();
  gateway.showOpen(() => 0);
  // As their mains do, where they serve by a certificate.
  for (const part of [webhooks, api, gateway]) part.showServingCertificate(() => 0);
  const [status, lifecycle] = [createFunctionMetrics('status'), createFunctionMetrics('lifecycle')];
  return { status, lifecycle, bridge: createBridgeMetrics(), webhooks, api, gateway };
}

describe('the table of metrics', () => {
  const rows = readTable('Metrics');

  it.each(Object.entries(createParts()))('has those that %s shows, with their types', async (part, metrics) => {
    const { text } = await metrics.readMetrics();
    const shown = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
    const documented = rows
      .filter(([, , , parts = '']) => parts === 'all' || parts.split(', ').includes(part))
      .map(([name, type]) => `${unquote(name)} ${type}`);
    expect(shown.toSorted()).toEqual(documented.toSorted());
  });

  it('has every name once', () => {
    expect(rows.map(([name]) => unquote(name)).toSorted()).toEqual(Object.values(METRICS).toSorted());
  });
});

describe('the table of messages', () => {
  it('has every message of the source with its level', () => {
    const calls = findLogCalls(root);
    for (const { location, message } of calls)
      expect(message, `${location}: expected a constant message`).toBeDefined();
    const logged = new Set(calls.map(({ message, level }) => `${message}: ${level}`));
    const documented = readTable('Logs').map(([message, level]) => `${unquote(message)}: ${level}`);
    expect(documented.toSorted()).toEqual([...logged].toSorted());
  });
});

describe('the table of Events', () => {
  const unlisted: readonly string[] = [REASONS.terminating, REASONS.configNotJudged];

  it.each([
    ...Object.values(REASONS).filter((reason) => !unlisted.includes(reason)),
    ...Object.values(OIDC_CONFIG_REASONS),
    ...Object.values(REFERENCE_REASONS),
    STATUS_REFUSED,
  ])('has the reason %s', (reason) => {
    const cells = readTable('Conditions and Events').map(([, , reasons]) => reasons);
    expect(cells.join()).toContain(`\`${reason}\``);
  });
});

describe('the alerts', () => {
  interface Rules {
    readonly groups: readonly { readonly rules: readonly { readonly alert: string }[] }[];
  }
  const rules = (parse(read('manifests/observability/alerts.yaml')) as Rules).groups.flatMap(({ rules }) => rules);
  const tests = read('test/fixtures/observability/alerts.test.yaml');

  it('have a paragraph each that says what to do, and no paragraph is about none', () => {
    const headings = [...page.matchAll(/^### (\S+)$/gm)].map(([, name]) => name);
    expect(headings).toEqual(rules.map(({ alert }) => alert));
  });

  it.each(rules)('$alert is tested to fire and to stay silent', ({ alert }) => {
    expect(tests).toContain(`name: ${alert} fires\n`);
    expect(tests).toContain(`name: ${alert} stays silent\n`);
  });

  it.each(['alerts.yaml', 'dashboard.json'])('%s speaks of no metric but ours', (file) => {
    const suffixed = Object.values(METRICS).flatMap((name) => [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]);
    const named = read(`manifests/observability/${file}`).match(/\b(?:buildkit|process|nodejs)_[a-z_]+/g) ?? [];
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !suffixed.includes(name))).toEqual([]);
  });
});
