/**
 * `npm run mutation [-- PATH...]`: makes one small change after another to the code that guards, and runs the tests that
 * reach it. A change that no test notices survives. A path is one of the folders below or a file in one; all folders when
 * none is given. Each runs on one core, and what did not change since its last run is not tried again. The reports are
 * coverage/mutation/*.html.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Stryker } from '@stryker-mutator/core';

const folders = [
  'core/access',
  'core/admission',
  'core/certificates',
  'core/conversion',
  'core/oidc',
  'core/tokens',
  'adapters/x509',
] as const;

/** The least share of the changes that the tests must notice, in percent. */
const wantedScore = 90;

const reports = 'coverage/mutation';

async function mutate(path: string): Promise<number> {
  const report = join(reports, path.replaceAll('/', '-'));
  const stryker = new Stryker({
    mutate: [path.endsWith('.ts') ? path : `${path}/**/*.ts`],
    testRunner: 'vitest',
    vitest: { configFile: 'test/mutation.config.ts' },
    plugins: ['@stryker-mutator/vitest-runner'],
    concurrency: 1,
    incremental: true,
    incrementalFile: `${report}.json`,
    tempDirName: join(reports, 'sandbox'),
    ignorePatterns: ['/.dev', '/coverage', '/dist'],
    reporters: ['clear-text', 'html'],
    clearTextReporter: { logTests: false, reportTests: false, allowColor: process.stdout.isTTY },
    htmlReporter: { fileName: `${report}.html` },
    timeoutMS: 30_000,
    disableTypeChecks: false,
  });
  const results = await stryker.runMutationTest();
  return scoreOf(results.map(({ status }) => status));
}

/** Percent of the changes that could be noticed and were. */
function scoreOf(statuses: readonly string[]): number {
  const count = (...wanted: readonly string[]) => statuses.filter((status) => wanted.includes(status)).length;
  const noticed = count('Killed', 'Timeout');
  const valid = noticed + count('Survived', 'NoCoverage');
  return valid === 0 ? 100 : (100 * noticed) / valid;
}

/** The paths to mutate. @throws {Error} that names a path which is not in one of the folders. */
function readPaths(args: readonly string[]): readonly string[] {
  const isKnown = (path: string) => folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
  const unknown = args.filter((arg) => !isKnown(arg) || !existsSync(arg));
  if (unknown.length > 0) throw new Error(`expected paths in ${folders.join(', ')}, got ${unknown.join(', ')}`);
  return args.length > 0 ? args : folders;
}

// Property tests must draw the same values for every change: without a seed a change would be noticed by chance.
process.env['SEED'] ??= '1';
const scores: (readonly [string, number])[] = [];
for (const path of readPaths(process.argv.slice(2))) scores.push([path, await mutate(path)]);
for (const [path, score] of scores) console.log(`${path}: ${score.toFixed(1)} % noticed, ${wantedScore} % wanted`);
if (scores.some(([, score]) => score < wantedScore)) process.exitCode = 1;
