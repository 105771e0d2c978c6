/**
 * Opens so many connections to two ports from so many addresses of the loopback range, sends one request on each, and is
 * silent then; what is closed is opened again. Says when all were opened once.
 */
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const [port = 0, otherPort = 0, count = 0, addresses = 1] = process.argv.slice(2).map(Number);
/** Together, a second. */
const opensPerSecond = 1_000;

const closed: number[] = [];

function hold(index: number): void {
  const at = index % addresses;
  const localAddress = `127.1.${Math.floor(at / 200)}.${1 + (at % 200)}`;
  const socket = net.connect({ port: index % 10 === 0 ? otherPort : port, host: '127.0.0.1', localAddress });
  socket.write('GET /healthz HTTP/1.1\r\nHost: server\r\n\r\n');
  socket.resume();
  socket.on('error', () => undefined);
  socket.once('close', () => closed.push(index));
}

for (let next = 0; ;) {
  const until = performance.now() + 50;
  for (let opened = 0; opened < opensPerSecond / 20; opened++) {
    const index = next < count ? next++ : closed.shift();
    if (index === undefined) break;
    hold(index);
    if (next === count && process.connected) {
      process.send?.('held');
      process.disconnect?.();
    }
  }
  await sleep(Math.max(1, until - performance.now()));
}
