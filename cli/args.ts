/** What is typed after `bkctl`. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';

export interface Connection {
  readonly kubeconfig?: string;
  readonly context?: string;
}

export interface Handlers {
  readonly showCa: (connection: Connection, options: { readonly json: boolean }) => Promise<number>;
  readonly rotateCa: (connection: Connection, options: { readonly isDryRun: boolean }) => Promise<number>;
  readonly doctor: (
    connection: Connection,
    options: { readonly json: boolean; readonly api?: string },
  ) => Promise<number>;
}

export interface Output {
  readonly version: string;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** The exit status of a command that is not written as it must be. */
const usageStatus = 2;

/** Runs the command and answers with its exit status. */
export async function runArgs(args: readonly string[], handlers: Handlers, output: Output): Promise<number> {
  let status = 0;
  const program = makeProgram(output);
  const ca = program.command('ca').description('the CAs that certificates are verified with');
  ca.command('show')
    .description('chain, end and next replacement of every CA')
    .option('--json', 'as JSON, with the trust bundle', false)
    .action(async (options: { json: boolean }) => {
      status = await handlers.showCa(program.opts<Connection>(), options);
    });
  ca.command('rotate')
    .description('ask for a new root: no valid certificate becomes invalid')
    .option('--dry-run', 'say what would happen, and change nothing', false)
    .action(async ({ dryRun }: { dryRun: boolean }) => {
      status = await handlers.rotateCa(program.opts<Connection>(), { isDryRun: dryRun });
    });
  program
    .command('doctor')
    .description('find what is wrong with the installation, and how to fix it')
    .option('--json', 'as JSON', false)
    .option('--api <url>', 'ask the API at this address, too', parseUrl)
    .action(async (options: { json: boolean; api?: string }) => {
      status = await handlers.doctor(program.opts<Connection>(), options);
    });
  try {
    await program.parseAsync(args, { from: 'user' });
    return status;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : usageStatus;
  }
}

function parseUrl(text: string): string {
  if (URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol)) return text;
  throw new InvalidArgumentError('Expected an http or https URL.');
}

const makeProgram = ({ version, out, err }: Output): Command =>
  new Command('bkctl')
    .description('BuildKit Controller, with the rights of your kubeconfig')
    .version(version)
    .addOption(new Option('--kubeconfig <file>', 'instead of the files that KUBECONFIG names'))
    .addOption(new Option('--context <name>', 'instead of the current context'))
    .configureOutput({ writeOut: out, writeErr: err })
    .showHelpAfterError('(see bkctl --help)')
    .exitOverride();
