/** A worker that sends or takes as many bytes as it is asked for, and then ends. Run as a program. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import { readVariables } from '../../adapters/environment.ts';

const { FOLDER, PORT } = readVariables(['FOLDER', 'PORT']);
const read = (name: string): Buffer => readFileSync(join(FOLDER, name));
const chunk = Buffer.alloc(64 * 1024);

function send(socket: TLSSocket, total: number): void {
  let left = total;
  const push = (): void => {
    while (left > 0) {
      const piece = chunk.subarray(0, Math.min(left, chunk.length));
      left -= piece.length;
      if (!socket.write(piece)) {
        socket.once('drain', push);
        return;
      }
    }
    socket.end();
  };
  push();
}

function serve(socket: TLSSocket): void {
  socket.on('error', () => undefined);
  socket.once('data', (first: Buffer) => {
    const end = first.indexOf('\n') + 1;
    const [mode, bytes = ''] = first.subarray(0, end).toString().trim().split(' ');
    if (mode === 'down') send(socket, Number(bytes));
    if (mode !== 'up') {
      socket.resume();
      return;
    }
    let left = Number(bytes) - (first.length - end);
    socket.on('data', (more: Buffer) => {
      left -= more.length;
      if (left <= 0) socket.end();
    });
  });
}

createServer(
  {
    cert: read('worker.crt'),
    key: read('worker.key'),
    ca: read('gateways.crt'),
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
    ALPNProtocols: ['h2'],
  },
  serve,
).listen(Number(PORT), '127.0.0.1');
