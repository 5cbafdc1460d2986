/**
 * Gives the target of a restore back in a process of its own that dies right before an act that none died before:
 * `node return-child.ts '{"root":…,"peers":…}' RUN DIED_FILE`. The acts that somebody died before are listed in the file.
 *
 * Acts are the calls that change the server or its databases, and each rename and removal on the host's disk. A journal that
 * is written counts anew whenever it says something else.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import disk from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import type { World } from '../../lib/ports/world.ts';
import type { Peers } from './step-world.ts';

const [reached, runId, diedFile] = process.argv.slice(2) as [string, string, string];
const { root, peers } = JSON.parse(reached) as { root: string; peers: Peers };
const died = new Set(readFileSync(diedFile, 'utf8').split('\n'));

const mayDie = (act: string): void => {
  if (died.has(act)) return;
  appendFileSync(diedFile, `${act}\n`);
  process.kill(process.pid, 'SIGKILL');
};

/** What the state store writes is the stand-in's disk, and left alone. */
const isOnHost = (path: unknown): boolean => !String(path).startsWith(`${root}/state/`);
const said = (path: unknown): string => {
  if (!String(path).endsWith('.tmp')) return '';
  const text = readFileSync(String(path), 'utf8').replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '');
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
};
const { rename, rm, rmdir } = disk;
disk.rename = async (from, to) => {
  if (isOnHost(to)) mayDie(`rename to ${String(to)} ${said(from)}`);
  return rename(from, to);
};
disk.rm = async (path, options) => {
  if (isOnHost(path)) mayDie(`rm ${String(path)}`);
  return rm(path, options);
};
disk.rmdir = async (path) => {
  if (isOnHost(path)) mayDie(`rmdir ${String(path)}`);
  return rmdir(path);
};
syncBuiltinESMExports();

/** The port, with a moment to die before each of these calls. */
const mortal = <T extends object>(port: T, acts: readonly (keyof T & string)[]): T =>
  Object.assign(
    Object.create(port) as T,
    Object.fromEntries(
      acts.map((name) => [
        name,
        (...args: unknown[]) => {
          mayDie(`${name} ${name === 'rename' || name === 'drop' ? JSON.stringify(args[0]) : ''}`);
          return (port[name] as (...given: unknown[]) => unknown).apply(port, args);
        },
      ]),
    ),
  );

// Only now: what they import by name is what was put in its place above.
const { worldOf, perform } = await import('./step-world.ts');
const { readRun } = await import('../../lib/repository/run-book.ts');
const { step } = await import('../../lib/steps/return-target.ts');
const { world, closePeers } = await worldOf(root, peers);
const dying: World = {
  ...world,
  octopusProgram: (instance) => mortal(world.octopusProgram(instance), ['stopService', 'startService', 'setMasterKey']),
  octopusApi: async (instance) =>
    mortal(await world.octopusApi(instance), ['setMaintenance', 'setDraining', 'setDisabled']),
  sqlServer: async (instance) => mortal(await world.sqlServer(instance), ['rename', 'drop']),
};
await perform(step, { world: dying, run: (await readRun(world, runId))! });
await closePeers();
