import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findFreePort, isPortFree, startChild, startServer, waitUntilAnswering } from '../../dev/child.ts';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'child-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

const serve = (port: number) =>
  `require('http').createServer((_, response) => response.end()).listen(${port}, '127.0.0.1')`;
const node = (name: string, script: string) => ({
  name,
  file: process.execPath,
  args: ['-e', script],
  cwd,
  log: join(cwd, `${name}.log`),
});

test('reports how a child ended, and keeps its output', async () => {
  const child = await startChild(node('talker', 'console.log(process.env.WORD); process.exit(3)'));
  expect(await child.ended).toEqual({ name: 'talker', status: 3 });
  expect(await readFile(child.log, 'utf8')).toBe('undefined\n');
});

test('replaces the environment when one is given', async () => {
  const child = await startChild({ ...node('talker', 'console.log(process.env)'), environment: { WORD: 'hello' } });
  await child.ended;
  expect(await readFile(child.log, 'utf8')).toBe("{ WORD: 'hello' }\n");
});

test('rejects when the file can not be run', async () => {
  await expect(startChild({ ...node('missing', ''), file: '/nowhere/at/all' })).rejects.toThrow('ENOENT');
});

test('gives a server a second port when the first one was taken', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port: taken } = other.address() as AddressInfo;
  const tried: number[] = [];
  const args = (port: number) => {
    tried.push(port);
    return ['-e', serve(tried.length === 1 ? taken : port)];
  };
  const server = { name: 'server', file: process.execPath, cwd, scheme: 'http', readyPath: '/', caFile: '' } as const;
  const { child, url } = await startServer({ ...server, args });
  expect(url).toBe(`http://127.0.0.1:${tried[1]}`);
  await child.end();
  other.close();
});

test('rejects with the last line of the log when a server ends before it answers', async () => {
  const child = await startChild(node('server', 'console.error("bad flag"); process.exit(1)'));
  await expect(waitUntilAnswering(child, 'http://127.0.0.1:1', '')).rejects.toThrow(
    `server ended with 1: bad flag (see ${child.log})`,
  );
});

test('knows which port is free', async () => {
  const port = await findFreePort();
  expect(await isPortFree(port)).toBe(true);
  const child = await startChild(node('server', serve(port)));
  await waitUntilAnswering(child, `http://127.0.0.1:${port}`, '');
  expect(await isPortFree(port)).toBe(false);
  await child.end();
});
