import { describe, expect, it } from 'vitest';
import { explore } from './explore.ts';
import type { Scenario } from './model.ts';

const [a, b] = ['a'.repeat(32), 'b'.repeat(32)];
const one = { lease: a, domain: 'x' };
const sameDomain = { lease: b, domain: 'x' };
const otherDomain = { lease: b, domain: 'y' };

const none = { idle: [], instances: 1, kills: 0, ticks: 0, runs: 0, failures: 0, deletions: 0 };

type Scenarios = Readonly<Record<string, Scenario>>;

const races: Scenarios = {
  'two gateways ask with one certificate and one worker is idle': {
    ...none,
    max: 1,
    asks: [one, one],
    idle: [undefined],
    instances: 2,
    kills: 1,
  },
  'two gateways ask with one certificate and no worker exists': {
    ...none,
    max: 2,
    asks: [one, one],
    instances: 2,
    kills: 1,
  },
  'two certificates of one domain ask for one worker': {
    ...none,
    max: 1,
    asks: [one, sameDomain],
    idle: [undefined],
    instances: 2,
    kills: 1,
  },
  'two certificates of two domains ask for one worker': {
    ...none,
    max: 1,
    asks: [one, otherDomain],
    idle: [undefined],
    instances: 2,
    kills: 1,
  },
  'a worker is deleted while two gateways ask': { ...none, max: 2, asks: [one, one], instances: 2, deletions: 1 },
  'a worker fails while two gateways ask': {
    ...none,
    max: 2,
    asks: [one, one],
    idle: ['x'],
    instances: 2,
    failures: 1,
  },
};

const lives: Scenarios = {
  'a lease ends': { ...none, max: 1, asks: [one], idle: [undefined], ticks: 2, runs: 2 },
  'a lease ends while its certificate asks again': {
    ...none,
    max: 1,
    asks: [one, one],
    idle: [undefined],
    ticks: 2,
    runs: 1,
  },
  'a lease ends while another certificate asks': {
    ...none,
    max: 1,
    asks: [one, sameDomain],
    idle: [undefined],
    ticks: 2,
    runs: 1,
  },
  'a certificate of another domain waits for the only worker': {
    ...none,
    max: 1,
    asks: [one, otherDomain],
    idle: ['x'],
    ticks: 1,
    runs: 1,
  },
  'the pool keeps one worker idle': { ...none, max: 2, min: 1, asks: [one], ticks: 2, runs: 1 },
};

const deep: Scenarios = {
  'two instances, time, and an end of a lease': {
    ...none,
    max: 1,
    asks: [one, sameDomain],
    idle: [undefined],
    instances: 2,
    kills: 1,
    ticks: 2,
    runs: 1,
  },
  'two instances, one certificate, and time': {
    ...none,
    max: 2,
    asks: [one, one],
    idle: [undefined],
    instances: 2,
    ticks: 2,
    runs: 1,
  },
  'three connections and two workers': {
    ...none,
    max: 2,
    asks: [one, one, sameDomain],
    idle: ['x'],
    instances: 2,
    kills: 1,
  },
  'a deletion and a failure': { ...none, max: 2, asks: [one, one], instances: 2, deletions: 1, failures: 1 },
};

const isSoak = process.env['SOAK'] === '1';

describe.each(Object.entries({ ...races, ...lives, ...(isSoak ? deep : {}) }))('where %s', (_, scenario) => {
  it('no worker has two leases, no lease two workers, no domain meets another, and nothing is left', () => {
    const { fault, worlds } = explore(scenario, 20_000_000);
    expect(fault).toBeUndefined();
    expect(worlds).toBeGreaterThan(100);
  }, 300_000);
});

describe('the walk itself', () => {
  it('finds a connection that outlives its lease', () => {
    const scenario = { ...none, max: 1, asks: [one, sameDomain], idle: [undefined], ticks: 2, runs: 1 };
    expect(explore(scenario, 1_000_000, { isFenced: false }).fault?.what).toBe('worker p-0 serves two leases');
  });
});
