/** Every command a page shows is a command that works; those with output are played by other tests. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CERTIFICATES_PATH } from '../../api/http/certificates.ts';
import { PROBLEMS } from '../../api/http/problem.ts';
import { METRICS } from '../../api/names.ts';
import { OIDC_CONFIG_REASONS, REASONS } from '../../core/status/reasons.ts';
import { pages, PLAYED_PAGES, readBlocks, readPage, REASONS_NOT_TO_RUN } from '../pages.ts';

const root = join(import.meta.dirname, '../..');
const read = readPage;
const tests = ['apiserver', 'dev', 'image', 'kind', 'knative', 'node']
  .map((folder) => join('test', folder))
  .flatMap((folder) => readdirSync(join(root, folder), { recursive: true }).map((file) => join(folder, String(file))))
  .filter((file) => file.endsWith('.ts'))
  .map(read);

describe('every page', () => {
  it.each(pages)('%s links to files that are there', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link]) => join(page, '..', link ?? ''));
    for (const link of links) expect(() => read(link), link).not.toThrow();
  });

  it.each(pages)('%s names npm scripts that are there', (page) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...read(page).matchAll(/\bnpm (?:run )?(start|test|(?<=run )[a-z:]+)/g)].map(
      ([, name]) => name ?? '',
    );
    for (const name of named) expect(Object.keys(scripts)).toContain(name);
  });

  it.each(pages)('%s shows no command that is neither run nor said not to be, for one of few reasons', (page) => {
    for (const { commands, runBy, notRun } of readBlocks(page)) {
      if (runBy !== undefined) expect(existsSync(join(root, runBy)), runBy).toBe(true);
      else if (notRun !== undefined) expect(REASONS_NOT_TO_RUN).toContain(notRun);
      else if (!PLAYED_PAGES.some((played) => played === page)) {
        expect(
          tests.some((text) => text.includes(page)),
          `${page}: no test runs ${commands}`,
        ).toBe(true);
      }
    }
  });

  it.each(pages)('%s refers to nothing outside this repository but public pages', (page) => {
    expect(read(page)).not.toMatch(/\.\.\/shared|\bissue #?\d|\/work\/|\/root\/|\/tmp\//);
  });
});

describe('CONTRIBUTING.md and the guide for contributors', () => {
  const source = /`((?:adapters|api|bench|cli|core|dev|docs|functions|manifests|test|webhooks)\/[\w/.-]*)`/g;

  it.each(['CONTRIBUTING.md', 'docs/guides/contributor.md'])('%s names files that exist', (page) => {
    const named = [...read(page).matchAll(source)].map(([, path = '']) => path);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    expect(named.length).toBeGreaterThan(10);
  });
});

describe('the README', () => {
  it('names every page of docs/', () => {
    const missing = pages.filter((page) => /^docs\/[^/]+\.md$/.test(page) && !read('README.md').includes(page));
    expect(missing).toEqual([]);
  });
});

describe('docs/fields.md', () => {
  it.each([...Object.values(REASONS), ...Object.values(OIDC_CONFIG_REASONS)])('explains the reason %s', (reason) => {
    expect(read('docs/fields.md')).toContain(`\`${reason}\``);
  });
});

/** Answers of `allocation` to gateways alone. */
const isOfLeases = (code: string): boolean =>
  ['certificate_refused', 'worker_failed', 'no_worker_free', 'lease_limit', 'quota_exceeded'].includes(code);

describe('docs/certificates.md', () => {
  it.each(Object.entries(PROBLEMS))('explains %s, with its status', (code, { status }) => {
    const page = isOfLeases(code) ? 'docs/allocation.md' : 'docs/certificates.md';
    expect(read(page)).toContain(`| ${status} | \`${code}\` |`);
  });

  it.each([METRICS.certificateRequests, METRICS.certificateRequestSeconds])('names the metric %s', (metric) => {
    expect(read('docs/certificates.md')).toContain(`\`${metric}\``);
  });

  it('is what the description of the API says of every code that a certificate request can have', () => {
    const { responses } = (
      JSON.parse(read('api/openapi.gen.json')) as { paths: Record<string, { post: { responses: object } }> }
    ).paths[CERTIFICATES_PATH]?.post ?? { responses: {} };
    const elsewhere = ['not_found', 'method_not_allowed'];
    for (const code of Object.keys(PROBLEMS).filter((name) => !elsewhere.includes(name) && !isOfLeases(name))) {
      expect(JSON.stringify(responses)).toContain(`"code":"${code}"`);
    }
  });
});

describe('wrangler-free.md', () => {
  const mains = readdirSync(join(root, 'functions')).map((name) => `functions/${name}/main.ts`);
  const files = [
    'adapters/environment.ts',
    'webhooks/main.ts',
    ...mains.filter((file) => existsSync(join(root, file))),
  ];
  const variables = files.flatMap((file) =>
    [...read(file).matchAll(/'((?!SIG)[A-Z]{3,}(?:_[A-Z]+)*)'/g)].map(([, name]) => name),
  );

  it.each([...new Set(variables)])('explains %s', (variable) => {
    expect(read('wrangler-free.md')).toContain(`\`${variable}\``);
  });
});
