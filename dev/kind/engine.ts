/** Whether there is anything that kind can run a cluster in. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** One that runs answers in a tenth of it. */
const timeout = 10_000;

const engines: Readonly<Record<string, string>> = { docker: 'Docker', podman: 'Podman', nerdctl: 'nerdctl' };

/** What is missing, in a sentence; undefined where the engine answers. */
export async function findMissingEngine(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  const command = env['KIND_EXPERIMENTAL_PROVIDER'] ?? 'docker';
  const engine = engines[command];
  if (engine === undefined) return `KIND_EXPERIMENTAL_PROVIDER: expected one of ${Object.keys(engines).join(', ')}`;
  try {
    await run(command, ['info'], { env, timeout });
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const what = code === 'ENOENT' ? 'is not installed' : 'does not answer: start it';
    return `${engine}, in which kind runs its nodes, ${what}; npm start runs the system without it`;
  }
}
