/** Plays a page of `docs`: its console blocks are commands with the output they must have. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endGroupWith } from './child.ts';

const root = join(import.meta.dirname, '..');

export interface Step {
  readonly command: string;
  readonly output: string;
}

/** Blocks fenced as `console`: `$ ` begins a command, `> ` continues it, the rest is what it prints. */
export const parseDemo = (markdown: string): Step[] =>
  parsePage(markdown).filter((part): part is Step => typeof part !== 'string');

/** The prose and the steps of a page, in order. */
export const parsePage = (markdown: string): (string | Step)[] =>
  markdown.split(/^```console\n(.*?)^```$/gms).flatMap((text, index): (string | Step)[] => {
    if (index % 2 === 1) return text.split(/^\$ /m).slice(1).map(parseStep);
    return text.trim() === '' ? [] : [text.trim()];
  });

function parseStep(text: string): Step {
  const [first = '', ...lines] = text.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('> ') && line !== '>');
  const continued = lines.slice(0, end).map((line) => line.slice(2));
  return { command: [first, ...continued].join('\n'), output: lines.slice(end).join('\n') };
}

/** What differs from run to run: ages and UIDs. */
export const maskVariable = (text: string): string =>
  text
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uid>')
    .replace(/\b(\d+(\.\d+)?(ms|[dhms]))+$/gm, '<age>')
    // OpenSSL 3.2 drops the blanks around the equals sign of a name.
    .replaceAll(' = ', '=')
    .replace(/[ \t]+$/gm, '')
    .trim();

/**
 * Prints the page with the answers of this system in place of its own, then the verdict.
 * @returns 0, or 1 when a command printed something else than the page says.
 */
export async function playDemo(page: string, env: NodeJS.ProcessEnv, ending: AbortSignal): Promise<number> {
  const write = (text: string) => process.stdout.write(text);
  const parts = parsePage(await readFile(join(root, page), 'utf8'));
  const steps = parts.filter((part) => typeof part !== 'string');
  const outputs = runInOneShell(steps, env, ending);
  let same = 0;
  for (const part of parts) {
    if (typeof part === 'string') {
      write(`\n${part}\n\n`);
      continue;
    }
    write(`$ ${part.command.replaceAll('\n', '\n> ')}\n`);
    const { value: output, done } = await outputs.next();
    if (done === true) break;
    write(output);
    if (maskVariable(output) === maskVariable(part.output)) same += 1;
    else write(`^ expected:\n${part.output}`);
  }
  write(`\n${same} of ${steps.length} answers are those of ${page}\n`);
  return same === steps.length ? 0 : 1;
}

/** The output of each command in turn, stderr among it. One shell for all, so that a variable set is a variable kept. */
async function* runInOneShell(
  steps: readonly Step[],
  env: NodeJS.ProcessEnv,
  ending: AbortSignal,
): AsyncGenerator<string, undefined> {
  const separator = '\0';
  const script = steps.map(({ command }) => `{ ${command}\n} 2>&1; printf '\\0'`).join('\n');
  const shell = spawn('bash', ['-c', script], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  endGroupWith(ending, shell);
  shell.stdout.setEncoding('utf8');
  let pending = '';
  for await (const chunk of shell.stdout) {
    const parts = (pending + String(chunk)).split(separator);
    pending = parts.pop() ?? '';
    yield* parts;
  }
  return undefined;
}
