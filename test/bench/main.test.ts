import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

const bench = (...args: string[]) =>
  new Promise<{ status: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, ['bench/main.ts', ...args], { cwd: root }, (error, stdout, stderr) => {
      resolve({ status: error?.code ?? 0, stdout, stderr });
    });
  });

describe('npm run bench', () => {
  it.each(['build', 'allocation'])('-- %s is not built yet', async (name) => {
    expect(await bench(name)).toEqual({ status: 2, stdout: '', stderr: `bench: ${name}: not built yet\n` });
  });

  it('names what there is when asked for something else', async () => {
    const { status, stderr } = await bench('speed');
    expect(status).toBe(2);
    expect(stderr).toMatch(/^bench: speed: expected one of status, admission, conversion, /);
  });

  it('says which option it does not know', async () => {
    const { status, stderr } = await bench('--fast');
    expect(status).toBe(2);
    expect(stderr).toMatch(/^bench: Unknown option '--fast'/);
    expect(stderr).not.toContain('    at ');
  });

  it.each(['certificates', 'cold-start'])('-- %s --quick --json prints each metric beside its peer', async (name) => {
    const { status, stdout } = await bench(name, '--quick', '--json');
    expect(status).toBe(0);
    const measurements = JSON.parse(stdout) as unknown[];
    expect(measurements.length).toBeGreaterThan(0);
    for (const measurement of measurements) {
      expect(measurement).toEqual({
        name,
        ['figure']: expect.any(String) as string,
        value: expect.any(Number) as number,
        unit: expect.any(String) as string,
        peer: expect.any(String) as string,
        peerValue: expect.any(Number) as number,
        goal: expect.any(String) as string,
        holds: expect.any(Boolean) as boolean,
      });
    }
  });
});
