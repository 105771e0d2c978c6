/**
 * `node summary.mjs <report.json>...` sums the JSON reports of Vitest: what was not run and why, what failed outside of a
 * test, and as its last line `N passed, N failed`. Ends with 1 when anything failed.
 */
import { existsSync, readFileSync } from 'node:fs';

const read = (file) =>
  existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { testResults: [], success: false };
const reports = process.argv.slice(2).map((file) => ({ file, ...read(file) }));
const tests = reports.flatMap(({ testResults }) => testResults.flatMap(({ assertionResults }) => assertionResults));
const withStatus = (...wanted) => tests.filter(({ status }) => wanted.includes(status));

/** A file that can't be loaded, or a hook that throws, fails without a failed test. */
const brokenFiles = reports.flatMap(({ testResults }) =>
  testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  ),
);
/** A run that ends before it has a report, or fails outside of any file. */
const brokenRuns = reports.filter(
  ({ success, testResults }) => !success && !testResults.some(({ status }) => status === 'failed'),
);

for (const { fullName } of withStatus('skipped', 'pending', 'todo'))
  console.log(fullName.includes('not run') ? fullName : `not run: ${fullName}`);
for (const { name, message } of brokenFiles) console.log(`failed: ${name}: ${message}`);
for (const { file } of brokenRuns) console.log(`failed: the run of ${file} ended before its tests did`);
const failed = withStatus('failed').length + brokenFiles.length + brokenRuns.length;
console.log(`${withStatus('passed').length} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
