#!/usr/bin/env -S node --max-semi-space-size=4
/**
 * The `octo` command. Plain JavaScript, so that an older Node can still say what is wrong: the program itself is
 * TypeScript, which Node runs from version 24 on. `npm ci` brings that Node along, so an older one hands over to it.
 *
 * New objects get 4 MB until they are collected: left alone, V8 takes up to 32, and a backup is no faster for it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as module from 'node:module';
import { fileURLToPath } from 'node:url';

const MINIMUM = 24;

if (Number.parseInt(process.versions.node, 10) >= MINIMUM) {
  // Compiled code is kept from one start to the next: commands answer sooner, and worker threads start with it.
  module.enableCompileCache();
  const { main } = await import('./terminal/cli.ts');
  process.exitCode = await main(process.argv.slice(2));
} else {
  const bundled = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
  if (!existsSync(bundled)) {
    process.stderr.write(
      `octo needs Node ${MINIMUM} or newer; this is ${process.versions.node}. Run "npm ci" first.\n`,
    );
    process.exit(1);
  }
  const { status, signal } = spawnSync(
    bundled,
    [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)],
    {
      stdio: 'inherit',
    },
  );
  process.exitCode = status ?? (signal === null ? 1 : 128);
}
