import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';

const eslint = new ESLint();

async function findMessages(filePath: string, text: string): Promise<string[]> {
  const [result] = await eslint.lintText(text, { filePath });
  return result?.messages.map(({ message }) => message) ?? [];
}

describe('the linter refuses', () => {
  it.each([
    ['core/result.ts', `import '../adapters/log.ts';`, 'core decides on data: take what you need as an argument.'],
    [
      'core/result.ts',
      `import 'node:fs';`,
      'core does no I/O: take data in, give data out; the world stands in adapters/.',
    ],
    ['core/result.ts', `import 'yaml';`, 'core uses zod alone: other packages belong in adapters/.'],
    ['core/result.ts', 'export const now = Date.now();', 'this has no clock: take `now` as an argument.'],
    ['core/result.ts', 'export const now = new Date();', 'this has no clock: take `now` as an argument.'],
    ['core/result.ts', 'export const dice = Math.random();', 'this has no randomness: take the value as an argument.'],
    ['core/result.ts', `await fetch('');`, 'this is pure: take the value as an argument, or do this in adapters/.'],
    ['core/result.ts', 'console.log();', 'this is pure: take the value as an argument, or do this in adapters/.'],
    [
      'api/names.ts',
      `import '../core/result.ts';`,
      'api holds the words and imports nothing of ours: move the decision to core/.',
    ],
    [
      'adapters/log.ts',
      `import '../webhooks/main.ts';`,
      'adapters know api and core only: hand the rest in from a main.ts.',
    ],
    [
      'functions/status/app.ts',
      `import '../../adapters/log.ts';`,
      'an app takes its ports as arguments: wire the adapter in main.ts.',
    ],
    [
      'functions/certificates/app.ts',
      `import '../../adapters/log.ts';`,
      'an app takes its ports as arguments: wire the adapter in main.ts.',
    ],
    [
      'functions/status/main.ts',
      `import '../certificates/app.ts';`,
      'functions never import each other: only functions/api/main.ts joins apps; what several answer alike is a file of functions/.',
    ],
    [
      'functions/request.ts',
      `import './status/app.ts';`,
      'functions never import each other: only functions/api/main.ts joins apps; what several answer alike is a file of functions/.',
    ],
    ['functions/request.ts', 'export const now = Date.now();', 'this has no clock: take `now` as an argument.'],
    [
      'functions/certificates/app.ts',
      'export const now = Date.now();',
      'this has no clock: take `now` as an argument.',
    ],
    [
      'webhooks/main.ts',
      `import '../functions/status/app.ts';`,
      'parts never import each other: share words in api/, decisions in core/, the world in adapters/.',
    ],
    [
      'gateway/listen.ts',
      `import '../adapters/log.ts';`,
      'the data path takes its ports as arguments: wire the adapter in gateway/main.ts.',
    ],
    [
      'gateway/main.ts',
      `import '../functions/lifecycle/app.ts';`,
      'parts never import each other: share words in api/, decisions in core/, the world in adapters/.',
    ],
    [
      'cli/commands.ts',
      `import '../adapters/log.ts';`,
      'a command takes its ports as arguments: wire the adapter in cli/main.ts.',
    ],
    [
      'cli/main.ts',
      `import '../functions/authority/main.ts';`,
      'parts never import each other: share words in api/, decisions in core/, the world in adapters/.',
    ],
    ['cli/main.ts', `import '../dev/kubectl.ts';`, 'what runs in production imports nothing of dev/, bench/ or test/.'],
  ])('%s: %s', async (file, text, message) => {
    expect((await findMessages(file, `${text}\n`)).join('\n')).toContain(message);
  });
});

describe('the linter accepts', () => {
  it('a function that takes what several answer alike', async () => {
    expect(await findMessages('functions/status/app.ts', `import '../request.ts';\n`)).toEqual([]);
  });
  it('functions/api/main.ts joining an app with its adapters', async () => {
    const text = `import '../certificates/app.ts';\nimport '../../adapters/log.ts';\n`;
    expect(await findMessages('functions/api/main.ts', text)).toEqual([]);
  });
});
