import { dirname, join, relative } from 'node:path';
import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Who may import whom: for each part, what it may not reach and what to do instead. The first match counts. */
const layers = [
  [/^api\//, /^(?!api\/)/, 'api holds the words and imports nothing of ours: move the decision to core/.'],
  [/^core\//, /^(?!api\/|core\/)/, 'core decides on data: take what you need as an argument.'],
  [/^adapters\//, /^(?!api\/|core\/|adapters\/)/, 'adapters know api and core only: hand the rest in from a main.ts.'],
  [
    /^(functions|webhooks)\/(?!.*main\.ts$)/,
    /^adapters\//,
    'an app takes its ports as arguments: wire the adapter in main.ts.',
  ],
  [
    /^gateway\/(?!main\.ts$)/,
    /^adapters\//,
    'the data path takes its ports as arguments: wire the adapter in gateway/main.ts.',
  ],
  [/^cli\/(?!main\.ts$)/, /^adapters\//, 'a command takes its ports as arguments: wire the adapter in cli/main.ts.'],
  [
    /^(functions|webhooks|gateway|cli)\//,
    /^(dev|bench|test)\//,
    'what runs in production imports nothing of dev/, bench/ or test/.',
  ],
];
const betweenFunctions =
  'functions never import each other: only functions/api/main.ts joins apps; what several answer alike is a file of functions/.';
const betweenParts = 'parts never import each other: share words in api/, decisions in core/, the world in adapters/.';

/** What is wrong with `file` importing `target`, both relative to the root; undefined when nothing is. */
function judgeImport(file, target) {
  const [part, name] = file.split('/');
  const [targetPart, targetName] = target.split('/');
  const isPart = (folder) => ['functions', 'webhooks', 'gateway', 'cli'].includes(folder);
  if (isPart(part) && isPart(targetPart) && part !== targetPart) return betweenParts;
  const isLoose = /^functions\/[^/]+\.ts$/.test(target);
  const isJoining = file === 'functions/api/main.ts';
  if (part === 'functions' && targetPart === 'functions' && name !== targetName && !isLoose && !isJoining) {
    return betweenFunctions;
  }
  return layers.find(([from, forbidden]) => from.test(file) && forbidden.test(target))?.[2];
}

const layersRule = {
  create(context) {
    const file = relative(import.meta.dirname, context.filename);
    const check = ({ source }) => {
      if (!source?.value?.startsWith?.('.')) return;
      const target = relative(import.meta.dirname, join(dirname(context.filename), source.value));
      const message = judgeImport(file, target);
      if (message !== undefined) context.report({ node: source, message });
    };
    return {
      ImportDeclaration: check,
      ExportAllDeclaration: check,
      ExportNamedDeclaration: check,
      ImportExpression: check,
    };
  },
};

/** Every schema of `zod/v4` stands in the bundle where `z` is imported by name: 0.5 MB that each start reads. */
const zodRule = {
  create: (context) => ({
    'ImportDeclaration[source.value="zod"] > ImportSpecifier': (node) => {
      context.report({ node, message: "write import * as z from 'zod': by name, all of zod is bundled." });
    },
  }),
};

/** A decision takes the world as arguments: no clock, no randomness, no process, no network. */
const pure = {
  'no-restricted-globals': [
    'error',
    ...[
      'fetch',
      'process',
      'console',
      'Buffer',
      'setTimeout',
      'setInterval',
      'setImmediate',
      'performance',
      'crypto',
      'require',
    ].map((name) => ({ name, message: 'this is pure: take the value as an argument, or do this in adapters/.' })),
  ],
  'no-restricted-properties': [
    'error',
    { object: 'Date', property: 'now', message: 'this has no clock: take `now` as an argument.' },
    { object: 'Math', property: 'random', message: 'this has no randomness: take the value as an argument.' },
    { object: 'globalThis', message: 'this is pure: take the value as an argument.' },
  ],
  'no-restricted-syntax': [
    'error',
    {
      selector: 'NewExpression[callee.name="Date"][arguments.length=0]',
      message: 'this has no clock: take `now` as an argument.',
    },
    { selector: 'CallExpression[callee.name="Date"]', message: 'this has no clock: take `now` as an argument.' },
    { selector: 'ImportExpression', message: 'this loads nothing at run time: import it at the top.' },
  ],
};

export default defineConfig(
  globalIgnores(['node_modules/', 'dist/', '.dev/', 'coverage/', 'test/fixtures/']),
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'max-params': ['error', 4],
      'no-console': ['error'],
    },
  },
  {
    files: ['**/*.ts'],
    plugins: { project: { rules: { layers: layersRule, zod: zodRule } } },
    rules: { 'project/layers': 'error', 'project/zod': 'error' },
  },
  {
    files: ['core/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^node:',
              message: 'core does no I/O: take data in, give data out; the world stands in adapters/.',
            },
            { regex: '^(?!node:|\\.|zod$)', message: 'core uses zod alone: other packages belong in adapters/.' },
          ],
        },
      ],
      ...pure,
    },
  },
  {
    files: ['functions/**/*.ts', 'webhooks/*/*.ts'],
    ignores: ['functions/*/main.ts'],
    rules: pure,
  },
  {
    // What a person runs in a terminal speaks to that person.
    files: ['dev/**/*.ts', 'bench/**/*.ts', 'api/generate.ts', 'test/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', setTimeout: 'readonly', URL: 'readonly' } },
  },
);
