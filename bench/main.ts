/** `npm run bench [-- NAME] [--json] [--quick]` */
import { parseArgs } from 'node:util';
import { admission } from './admission.ts';
import { certificates } from './certificates.ts';
import { coldStart } from './cold-start.ts';
import { conversion } from './conversion.ts';
import type { Bench, Row } from './row.ts';
import { status } from './status.ts';

/** Benchmarks of parts that are not built yet have no function. */
const benches: Readonly<Record<string, Bench | undefined>> = {
  admission,
  conversion,
  certificates,
  'cold-start': coldStart,
  status,
  idle: undefined,
  gateway: undefined,
  build: undefined,
  allocation: undefined,
};

function readOptions() {
  return parseArgs({
    options: { json: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
}

async function main(): Promise<number> {
  const { values, positionals } = readOptions();
  const names = positionals.length > 0 ? positionals : Object.keys(benches).filter((name) => benches[name]);
  for (const name of names) {
    if (!Object.hasOwn(benches, name)) return refuse(`${name}: expected one of ${Object.keys(benches).join(', ')}`);
    if (benches[name] === undefined) return refuse(`${name}: not built yet`);
  }
  const rows: Row[] = [];
  for (const name of names) rows.push(...((await benches[name]?.({ quick: values.quick })) ?? []));
  console.log(values.json ? JSON.stringify(rows, null, 2) : formatTable(rows));
  return 0;
}

function refuse(message: string): number {
  console.error(`bench: ${message}`);
  return 2;
}

const round = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2));

function formatTable(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.name,
    row.figure,
    `${round(row.value)} ${row.unit}`,
    `${row.peer}: ${round(row.peerValue)}`,
    `x${round(row.value / row.peerValue)}`,
    row.goal,
    row.holds ? 'holds' : 'missed',
  ]);
  const table = [['BENCH', 'FIGURE', 'VALUE', 'BESIDE', 'RATIO', 'GOAL', ''], ...cells];
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
