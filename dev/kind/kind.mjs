#!/usr/bin/env node
/** `npx kind` in a checkout: the real kind. npx runs the command of the package it is in before any of a registry. */
import { fileURLToPath } from 'node:url';

process.argv.splice(2, 0, fileURLToPath(new URL('main.ts', import.meta.url)));
await import('../../launch.mjs');
