/** What a process takes of its machine. Read when somebody asks, and at no other time. */
import { Counter, Gauge, type Registry } from 'prom-client';
import { METRICS } from '../../api/names.ts';

export function addProcessMetrics(registers: Registry[]): void {
  addTotal(registers, {
    name: METRICS.cpuSeconds,
    help: 'CPU time of all threads, of user and system.',
    read: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
  });
  addTotal(registers, {
    name: METRICS.busySeconds,
    help: 'Time in which the event loop was not idle: near one second a second, everything waits.',
    read: () => performance.eventLoopUtilization().active / 1000,
  });
  new Gauge({
    name: METRICS.residentBytes,
    help: 'Memory that is resident.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({ name: METRICS.startTime, help: 'When the process began, in seconds since the epoch.', registers }).set(
    performance.timeOrigin / 1000,
  );
}

interface Total {
  readonly name: string;
  readonly help: string;
  /** Never falls. */
  readonly read: () => number;
}

function addTotal(registers: Registry[], { name, help, read }: Total): void {
  let last = 0;
  new Counter({
    name,
    help,
    registers,
    collect() {
      const now = read();
      this.inc(now - last);
      last = now;
    },
  });
}
