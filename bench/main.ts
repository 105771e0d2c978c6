/** `npm run bench [-- NAME] [--json] [--quick] [--workers COUNT] [--before CHECKOUT]` */
import { parseArgs } from 'node:util';
import { admission } from './admission.ts';
import { certificates } from './certificates.ts';
import { coldStart } from './cold-start.ts';
import { conversion } from './conversion.ts';
import { gateway } from './gateway.ts';
import { idle } from './idle.ts';
import type { Bench, BenchOptions, Measurement } from './measurement.ts';
import { shareStack, withOwnStack } from './stack.ts';
import { status } from './status.ts';

/**
 * In the order they run: the first needs the functions that the others end. Those of parts that are not built yet have
 * no function.
 */
const benches: Readonly<Record<string, Bench | undefined>> = {
  status,
  admission,
  conversion,
  certificates,
  'cold-start': coldStart,
  idle,
  gateway,
  build: undefined,
  allocation: undefined,
};

function readOptions() {
  return parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      workers: { type: 'string', default: '10000' },
      before: { type: 'string' },
    },
    allowPositionals: true,
  });
}

async function main(): Promise<number> {
  const { values, positionals } = readOptions();
  const workers = Number(values.workers);
  if (!Number.isInteger(workers) || workers < 1_000)
    return refuse(`--workers: expected a number from 1000 on, got ${values.workers}`);
  for (const name of positionals) {
    if (!Object.hasOwn(benches, name)) return refuse(`${name}: expected one of ${Object.keys(benches).join(', ')}`);
    if (benches[name] === undefined) return refuse(`${name}: not built yet`);
  }
  const chosen = Object.entries(benches).filter(([name]) => positionals.length === 0 || positionals.includes(name));
  const measurements = await runBenches(
    chosen.map(([, bench]) => bench).filter((bench) => bench !== undefined),
    { quick: values.quick, workers, before: values.before },
  );
  console.log(values.json ? JSON.stringify(measurements.map(toJson), null, 2) : formatTable(measurements));
  return 0;
}

/** To bring up a system takes longer than what is quickly measured with it. */
async function runBenches(
  chosen: readonly Bench[],
  { quick, ...options }: Omit<BenchOptions, 'withStack'>,
): Promise<Measurement[]> {
  const shared = shareStack();
  const measurements: Measurement[] = [];
  try {
    for (const bench of chosen)
      measurements.push(...(await bench({ ...options, quick, withStack: quick ? shared.withStack : withOwnStack })));
  } finally {
    await shared.stop();
  }
  return measurements;
}

/** The key of the output has a name of its own: what reads it goes by that. */
const toJson = ({ name, metric, ...rest }: Measurement) => ({ name, ['figure']: metric, ...rest });

function refuse(message: string): number {
  console.error(`bench: ${message}`);
  return 2;
}

const round = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2));

function formatTable(measurements: readonly Measurement[]): string {
  const cells = measurements.map((measurement) => [
    measurement.name,
    measurement.metric,
    `${round(measurement.value)} ${measurement.unit}`,
    `${measurement.peer}: ${round(measurement.peerValue)}`,
    `x${round(measurement.value / measurement.peerValue)}`,
    measurement.goal,
    measurement.holds ? 'holds' : 'missed',
  ]);
  const table = [['BENCH', 'METRIC', 'VALUE', 'BESIDE', 'RATIO', 'GOAL', ''], ...cells];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0))) ?? [];
  return table
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

try {
  process.exitCode = await main();
} catch (error) {
  process.exitCode = refuse((error as Error).message);
}
