/**
 * A way from a source of events to its sink that loses events while nobody notices, delays them past one another, and
 * delivers old ones again.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { vi } from 'vitest';
import { post, readEvent, type HttpEvent } from './gate.ts';

export interface Chances {
  readonly lost: number;
  readonly doubled: number;
  readonly late: number;
}

export interface Storm {
  readonly url: string;
  /** From now on, each between 0 and 1. */
  readonly blow: (chances: Chances) => void;
  /** How many events were lost since this was asked last. */
  readonly takeLost: () => number;
  /** The source was killed: what it tried to deliver, it tries no more. */
  readonly forgetSource: () => void;
  /** Resolves when every object's last event was delivered, and then nothing came for a second. */
  readonly calm: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const longestDelayMs = 400;
const rememberedEvents = 200;

export async function openStorm(target: string, random: () => number): Promise<Storm> {
  let chances: Chances = { lost: 0, doubled: 0, late: 0 };
  let [lost, underWay, lastMs] = [0, 0, 0];
  const past: HttpEvent[] = [];
  /** Whose last attempt failed: the source will try again. */
  const failing = new Set<string>();

  async function carry(event: HttpEvent): Promise<number> {
    const subject = event.headers['ce-subject'] ?? '';
    if (random() < chances.lost) {
      lost += 1;
      failing.delete(subject);
      return 202;
    }
    if (random() < chances.late) await sleep(random() * longestDelayMs);
    failing.add(subject);
    const status = await post(target, event);
    if (status >= 200 && status < 300) failing.delete(subject);
    past[Math.floor(random() * rememberedEvents)] = event;
    const old = past.at(Math.floor(random() * past.length));
    if (old !== undefined && random() < chances.doubled) void count(repeat(old));
    return status;
  }

  async function repeat(event: HttpEvent): Promise<void> {
    await sleep(random() * longestDelayMs);
    await post(target, event).catch(() => undefined);
  }

  async function count<T>(work: Promise<T>): Promise<T> {
    underWay += 1;
    try {
      return await work;
    } finally {
      underWay -= 1;
      lastMs = performance.now();
    }
  }

  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      response.writeHead(await carry(await readEvent(request))).end();
    };
    // The sink is gone: so is this connection.
    count(answer()).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const isCalm = () => underWay === 0 && failing.size === 0 && performance.now() - lastMs > 1000;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${new URL(target).pathname}`,
    blow: (next) => (chances = next),
    takeLost: () => {
      const before = lost;
      lost = 0;
      return before;
    },
    forgetSource: () => {
      failing.clear();
    },
    calm: () => vi.waitUntil(isCalm, { timeout: 120_000, interval: 50 }).then(() => undefined),
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
