import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

export interface Output {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs kubectl as the administrator, with `input` on its stdin. */
export type Kubectl = (args: readonly string[], input?: string) => Promise<Output>;

export const createKubectl =
  (file: string, kubeconfig: string): Kubectl =>
  async (args, input = '') => {
    // In a group of its own: Ctrl-C in the terminal must not end a command that a later step depends on.
    const child = spawn(file, ['--kubeconfig', kubeconfig, ...args], { stdio: 'pipe', detached: true });
    const status = new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        resolve(code ?? 1);
      });
    });
    // A command may end before it has read everything: its status says what came of it.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { status: await status, stdout, stderr };
  };

/** The stdout of a command that must succeed. @throws {Error} with what kubectl said. */
export async function expectSuccess(kubectl: Kubectl, args: readonly string[], input?: string): Promise<string> {
  const { status, stdout, stderr } = await kubectl(args, input);
  if (status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
}
