#!/usr/bin/env node
/** `npx bkctl` in a checkout: the command line under the Node that is pinned there. */
import { fileURLToPath } from 'node:url';

process.argv.splice(2, 0, fileURLToPath(new URL('main.ts', import.meta.url)));
await import('../launch.mjs');
