/** The pages of this repository, and the commands that they show. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const folders = ['.', 'docs', 'docs/decisions', 'docs/guides'];

/** Paths below the root. */
export const pages: readonly string[] = folders.flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(folder, file)),
);

export const readPage = (page: string): string => readFileSync(join(root, page), 'utf8');

/** Pages whose unmarked commands are run as they stand, in this order: what a page makes, the next may use. */
export const PLAYED_PAGES = [
  'docs/guides/platform-engineer.md',
  'docs/guides/tenant.md',
  'docs/guides/contributor.md',
  'docs/doctor.md',
  'docs/versions.md',
  'docs/sizes.md',
  'wrangler-free.md',
] as const;

/** Why a command that is shown is not run. */
export const REASONS_NOT_TO_RUN = [
  'needs a node, on which test/node/builds.test.ts builds with both clients',
  'needs an engine for containers',
  'needs Knative Serving',
  'runs these tests',
  'runs until it is ended',
  'takes minutes',
] as const;

export interface Block {
  /** What somebody types, as it stands. */
  readonly commands: string;
  /** A file below the root, where a test of its own runs it. */
  readonly runBy: string | undefined;
  readonly notRun: string | undefined;
}

/** The blocks fenced as `sh`, with the mark that stands above: `<!-- run by FILE -->` or `<!-- not run: REASON -->`. */
export const readBlocks = (page: string): Block[] =>
  [...readPage(page).matchAll(/(?:^<!-- (?:run by (\S+)|not run: ([^\n]+)) -->\n\n)?^```sh\n(.*?)^```$/gms)].map(
    ([, runBy, notRun, commands = '']) => ({ commands, runBy, notRun }),
  );
