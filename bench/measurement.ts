import type { WithStack } from './stack.ts';

/** One measured metric beside its peer from the same run. */
export interface Measurement {
  /** Benchmark it belongs to. */
  readonly name: string;
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
  /** What it is measured against, or the limit it must keep. */
  readonly peer: string;
  readonly peerValue: number;
  /** As a person reads it: `<= 5 ms added`. */
  readonly goal: string;
  readonly holds: boolean;
}

export interface BenchOptions {
  /** Fits in 40 s together with the other benchmarks. */
  readonly quick: boolean;
  /** How many there are where many are looked after. */
  readonly workers: number;
  /** Folder of a checkout with its packages, which is measured in turns with this one, where the benchmark can. */
  readonly before?: string | undefined;
  readonly withStack: WithStack;
}

export type Bench = (options: BenchOptions) => Promise<Measurement[]>;
