import { expect, it } from 'vitest';
import { parseOptions } from '../../dev/options.ts';

it('serves on the default port when there is no option', () => {
  expect(parseOptions([])).toEqual({ port: undefined, exec: undefined, demo: false, node: false, help: false });
});

it.each([
  ['1', 1],
  ['65535', 65_535],
])('takes port %s', (text, port) => {
  expect(parseOptions(['--port', text])).toMatchObject({ port });
});

it.each(['0', '65536', '-1', '1.5', '', 'http'])('refuses port "%s"', (text) => {
  expect(() => parseOptions([`--port=${text}`])).toThrow(`--port: expected 1 to 65535, got ${text}`);
});

it('refuses --demo beside --exec', () => {
  expect(() => parseOptions(['--demo', '--exec', 'true'])).toThrow('--demo and --exec: expected one of them');
});

it.each(['--help', '-h'])('takes %s', (option) => {
  expect(parseOptions([option])).toMatchObject({ help: true });
});
