/** Plays `docs/demo.md`: its console blocks are commands with the output they must have. */
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
export function parseDemo(markdown: string): Step[] {
  const blocks = [...markdown.matchAll(/^```console\n(.*?)^```$/gms)].map((match) => match[1] ?? '');
  return blocks.flatMap((block) => block.split(/^\$ /m).slice(1).map(parseStep));
}

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
    .replace(/\b\d+(\.\d+)?m?s$/gm, '<age>')
    // OpenSSL 3.2 drops the blanks around the equals sign of a name.
    .replaceAll(' = ', '=')
    .replace(/[ \t]+$/gm, '')
    .trim();

/** @returns 0, or 1 when a command printed something else than the page says. */
export async function playDemo(env: NodeJS.ProcessEnv, ending: AbortSignal): Promise<number> {
  const write = (text: string) => process.stdout.write(text);
  const steps = parseDemo(await readFile(join(root, 'docs/demo.md'), 'utf8'));
  let failures = 0;
  let index = 0;
  for await (const output of runInOneShell(steps, env, ending)) {
    const step = steps[index++];
    if (step === undefined) break;
    write(`$ ${step.command.replaceAll('\n', '\n> ')}\n${output}`);
    if (maskVariable(output) === maskVariable(step.output)) continue;
    failures += 1;
    write(`^ expected:\n${step.output}`);
  }
  if (index < steps.length) write(`${steps.length - index} of ${steps.length} commands were not reached\n`);
  return failures === 0 && index === steps.length ? 0 : 1;
}

/** The output of each command in turn, stderr among it. One shell for all, so that a variable set is a variable kept. */
async function* runInOneShell(
  steps: readonly Step[],
  env: NodeJS.ProcessEnv,
  ending: AbortSignal,
): AsyncGenerator<string> {
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
}
