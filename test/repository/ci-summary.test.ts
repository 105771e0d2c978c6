import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'summary-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const test = (status: string, fullName = 'a test') => ({ status, fullName });
const file = (assertionResults: readonly object[], status = 'passed', message = '') => ({
  name: 'a.test.ts',
  status,
  message,
  assertionResults,
});

/** Sums reports; `undefined` stands for one that was never written. */
function summarise(...reports: readonly (object | undefined)[]) {
  const files = reports.map((report, index) => {
    const path = join(folder, `${index}.json`);
    rmSync(path, { force: true });
    if (report !== undefined) writeFileSync(path, JSON.stringify(report));
    return path;
  });
  const { status, stdout } = spawnSync(process.execPath, ['.ci/summary.mjs', ...files], { encoding: 'utf8' });
  return { status, lines: stdout.trimEnd().split('\n') };
}

describe('the summary of .ci/run', () => {
  it('sums the reports, and names what was not run before the last line', () => {
    const first = { success: true, testResults: [file([test('passed'), test('skipped', 'a node (needs root)')])] };
    const second = { success: true, testResults: [file([test('passed'), test('passed')])] };
    expect(summarise(first, second)).toEqual({
      status: 0,
      lines: ['not run: a node (needs root)', '3 passed, 0 failed'],
    });
  });

  it('fails for one failed test', () => {
    const report = { success: false, testResults: [file([test('passed'), test('failed')], 'failed')] };
    expect(summarise(report)).toEqual({ status: 1, lines: ['1 passed, 1 failed'] });
  });

  it('counts a file that could not be loaded', () => {
    const report = { success: false, testResults: [file([test('skipped')], 'failed', 'no such module')] };
    expect(summarise(report)).toMatchObject({ status: 1 });
    expect(summarise(report).lines.slice(1)).toEqual(['failed: a.test.ts: no such module', '0 passed, 1 failed']);
  });

  it('counts a run that wrote no report, or failed outside of its files', () => {
    const { status, lines } = summarise(undefined, { success: false, testResults: [file([test('passed')])] });
    expect({ status, last: lines.at(-1) }).toEqual({ status: 1, last: '1 passed, 2 failed' });
  });
});
