import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

const parts = ['adapters', 'functions', 'webhooks', 'gateway', 'cli', 'dev', 'bench', 'test'];
const apps = ['functions', 'webhooks', 'gateway', 'cli'];
const from = (folders) => folders.map((folder) => `./${folder}`);

/** Who may import whom: each message names what to do instead. */
const zones = [
  {
    target: './api',
    from: from(['core', ...parts]),
    message: 'api holds the words and imports nothing of ours: move the decision to core/.',
  },
  { target: './core', from: from(parts), message: 'core decides on data: take what you need as an argument.' },
  {
    target: './adapters',
    from: from(parts.filter((part) => part !== 'adapters')),
    message: 'adapters know api and core only: hand the rest in from a main.ts.',
  },
  ...apps.map((app) => ({
    target: `./${app}`,
    from: from([...apps.filter((other) => other !== app), 'dev', 'bench', 'test']),
    message: 'parts never import each other: share words in api/, decisions in core/, the world in adapters/.',
  })),
  ...['authority', 'bridge', 'certificates', 'status'].map((name) => ({
    target: `./functions/${name}`,
    from: './functions',
    except: [`./${name}`],
    message: 'functions never import each other: only functions/api/main.ts joins apps.',
  })),
];

const appsKnowNoAdapter = {
  target: ['./functions/*/app.ts', './webhooks/*/app.ts'],
  from: './adapters',
  message: 'an app takes its ports as arguments: wire the adapter in main.ts.',
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
    plugins: { 'import-x': importX },
    settings: {
      'import-x/resolver-next': [importX.createNodeResolver({ extensions: ['.ts', '.js', '.mjs', '.json'] })],
    },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones: [...zones, appsKnowNoAdapter] }],
      'import-x/no-cycle': 'error',
    },
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
        ].map((name) => ({ name, message: 'core is pure: take the value as an argument, or do this in adapters/.' })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'core has no clock: take `now` as an argument.' },
        { object: 'Math', property: 'random', message: 'core has no randomness: take the value as an argument.' },
        { object: 'globalThis', message: 'core is pure: take the value as an argument.' },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'NewExpression[callee.name="Date"][arguments.length=0]',
          message: 'core has no clock: take `now` as an argument.',
        },
        { selector: 'CallExpression[callee.name="Date"]', message: 'core has no clock: take `now` as an argument.' },
        { selector: 'ImportExpression', message: 'core loads nothing at run time: import it at the top.' },
      ],
    },
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
