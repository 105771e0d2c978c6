import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { makeScreen } from '../../dev/screen.ts';

const screen = (path: string) =>
  makeScreen({ apiserver: 'https://127.0.0.1:1', apiUrl: 'http://127.0.0.1:2', port: 2, path, page: 'docs/demo.md' });

/** What a shell makes of the first line that the screen says to type. */
function readExported(path: string): string {
  const line = screen(path)
    .split('\n')
    .find((text) => text.includes('export '));
  const command = `${line ?? ''}; printf '%s' "$PATH"`;
  return execFileSync('/bin/bash', ['-c', command], {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/a folder' },
    // Bash takes a socket for a remote shell and reads the startup file of the user.
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

describe('the screen of npm start', () => {
  it.each(['/home/me/.cache/tools', "/home/me/it's a cache/$HOME"])('exports a PATH that begins with %s', (path) => {
    expect(readExported(path)).toBe(`${path}:/usr/bin:/a folder`);
  });

  it('sends its request past a proxy', () => {
    expect(screen('/tools')).toContain('curl --noproxy localhost ');
  });
});
