/** The options of `npm start`. */
import { parseArgs } from 'node:util';

export interface Options {
  /** A free one, or the default, when absent. */
  readonly port: number | undefined;
  readonly exec: string | undefined;
  readonly demo: boolean;
  readonly node: boolean;
  readonly help: boolean;
}

export const usage = `usage: npm start [-- OPTIONS]

Runs etcd, a Kubernetes apiserver and every part of this repository on this machine until Ctrl-C.

  --port PORT      serves the functions on this port of 127.0.0.1 (default 8082)
  --exec COMMAND   runs one command against the system, and ends with its status
  --node           runs the parts as Pods of a real node (Linux, root); see docs/node.md
  --demo           plays docs/demo.md, or docs/demo-build.md on a node, and compares every answer with the page
  --help           prints this text
`;

/** @throws {Error} that names what is wrong. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: 'string' },
      exec: { type: 'string' },
      demo: { type: 'boolean', default: false },
      node: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const { port, exec, demo, node, help } = values;
  if (demo && exec !== undefined) throw new Error('--demo and --exec: expected one of them');
  return { port: port === undefined ? undefined : parsePort(port), exec, demo, node, help };
}

function parsePort(text: string): number {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new Error(`--port: expected 1 to 65535, got ${text}`);
  return port;
}
