/**
 * Clients of a proxy, as a program: `MODE COUNT BYTES STREAMS`. Each connection asks the worker for what the mode says, and
 * waits for its end. With mode `idle` all stay open until the program is ended.
 */
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { connect, createSecureContext, type TLSSocket } from 'node:tls';
import { readVariables } from '../../adapters/environment.ts';

const { FOLDER, PORT } = readVariables(['FOLDER', 'PORT']);
const [mode = '', count = '', bytes = '', streams = ''] = process.argv.slice(2);
const read = (name: string): Buffer => readFileSync(join(FOLDER, name));
const secureContext = createSecureContext({
  ca: read('ca.crt'),
  cert: read('client.crt'),
  key: read('client.key'),
  minVersion: 'TLSv1.3',
});

async function open(): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port: Number(PORT), secureContext, ALPNProtocols: ['h2'] });
  await once(socket, 'secureConnect');
  return socket;
}

/** As far as the socket takes them. */
async function upload(socket: TLSSocket, total: number): Promise<void> {
  const chunk = Buffer.alloc(64 * 1024);
  for (let sent = 0; sent < total; sent += chunk.length) {
    if (!socket.write(chunk)) await once(socket, 'drain');
  }
}

async function transfer(): Promise<void> {
  const socket = await open();
  socket.write(`${mode} ${bytes}\n`);
  socket.resume();
  const ended = once(socket, 'end');
  if (mode === 'up') await upload(socket, Number(bytes));
  await ended;
  socket.destroy();
}

async function repeat(times: number): Promise<void> {
  for (let done = 0; done < times; done++) await transfer();
}

if (mode === 'idle') {
  for (let opened = 0; opened < Number(count); opened++) {
    const socket = await open();
    socket.write('idle 0\n');
    socket.resume();
  }
  console.log('open');
} else {
  await Promise.all(Array.from({ length: Number(streams) }, () => repeat(Number(count) / Number(streams))));
}
