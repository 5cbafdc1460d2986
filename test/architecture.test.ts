/**
 * The house rules that a machine can keep (README, "How it works"): who may import whom, where third-party packages may
 * appear, how large a file and how full a folder may grow.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { cruise, type ICruiseResult, type IModule } from 'dependency-cruiser';
import { beforeAll, describe, expect, it } from 'vitest';

/** Rooms and the rooms they may import. A room is the longest of these prefixes that a file's path starts with. */
const MAY_IMPORT: Record<string, string[]> = {
  'lib/domain': ['lib/domain'],
  'lib/ports': ['lib/ports', 'lib/domain'],
  'lib/slack': ['lib/slack', 'lib/domain', 'lib/ports'],
  'lib/repository': ['lib/repository', 'lib/ports', 'lib/domain'],
  'lib/archive': ['lib/archive', 'lib/repository', 'lib/ports', 'lib/domain'],
  'lib/engine': ['lib/engine', 'lib/ports', 'lib/domain'],
  'lib/workflows': ['lib/workflows', 'lib/engine/asl', 'lib/domain'],
  'lib/steps': ['lib/steps', 'lib/archive', 'lib/repository', 'lib/ports', 'lib/domain', 'lib/log'],
  'lib/runs': ['lib/runs', 'lib/archive', 'lib/repository', 'lib/slack', 'lib/workflows', 'lib/ports', 'lib/domain'],
  'lib/checks': ['lib/checks', 'lib/repository', 'lib/ports', 'lib/domain'],
  'lib/commands': [
    'lib/checks',
    'lib/commands',
    'lib/runs',
    'lib/archive',
    'lib/repository',
    'lib/slack',
    'lib/steps/planning',
    'lib/workflows',
    'lib/ports',
    'lib/domain',
  ],
  'lib/adapters': ['lib/adapters', 'lib/ports', 'lib/domain'],
  'lib/config': ['lib/config', 'lib/domain'],
  'lib/log': ['lib/domain'],
  'lib/compose': [
    'lib/compose',
    'lib/config',
    'lib/log',
    'lib/ports',
    'lib/domain',
    'lib/adapters',
    'lib/engine',
    'lib/workflows',
    'lib/steps',
  ],
  handlers: [
    'handlers',
    'lib/compose',
    'lib/config',
    'lib/commands',
    'lib/runs',
    'lib/repository',
    'lib/steps',
    'lib/slack',
    'lib/log',
    'lib/ports',
    'lib/domain',
  ],
  worker: ['worker', 'handlers', 'lib', 'sandbox/alone'],
  sandbox: ['sandbox', 'lib/engine'],
};

/** Third-party packages and the rooms they may appear in; everything else is an adapter's. */
const PACKAGE_ROOMS: Record<string, RegExp> = {
  zod: /^(lib\/(adapters|archive|config|domain|repository|runs|steps)|worker)/,
  yaml: /^(lib\/config|sandbox\/stand-ins)/,
  croner: /^lib\/domain\/.*schedule/,
  jsonata: /^lib\/engine/,
  commander: /^worker\//,
  mssql: /^(lib\/adapters|sandbox\/octopus)/,
  '@slack/bolt': /^(handlers|worker)\//,
  '@middy/core': /^handlers\//,
  // Types only: the shapes of events.
  'aws-lambda': /^handlers\//,
  '@slack/types': /^lib\/(ports|slack|adapters)/,
};

/** Folders that may hold more than thirteen files, because the folder is the register: a line there is a file here. */
const REGISTERS = new Set(['lib/commands', 'lib/domain/errors', 'lib/steps']);

let modules: IModule[];

beforeAll(async () => {
  const { output } = await cruise(['handlers', 'lib', 'sandbox', 'worker'], {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    parser: 'swc',
  });
  modules = (output as ICruiseResult).modules.filter(({ source }) => /^(handlers|lib|sandbox|worker)\//.test(source));
});

const roomOf = (path: string): string =>
  Object.keys(MAY_IMPORT)
    .filter((room) => path === room || path.startsWith(`${room}/`) || path.startsWith(`${room}.`))
    .toSorted((a, b) => b.length - a.length)[0] ?? path;

const isUnder = (path: string, place: string): boolean =>
  path.startsWith(`${place}/`) || path.startsWith(`${place}.`) || path === place;

describe('architecture', () => {
  it('sees the modules it judges', () => {
    expect(modules.length).toBeGreaterThan(100);
  });

  it('lets data flow one way', () => {
    const wrong = modules.flatMap(({ source, dependencies }) =>
      dependencies
        .filter(({ resolved }) => /^(handlers|lib|sandbox|worker|test)\//.test(resolved))
        .filter(({ resolved }) => !(MAY_IMPORT[roomOf(source)] ?? []).some((place) => isUnder(resolved, place)))
        .map(({ resolved }) => `${source} -> ${resolved}`),
    );
    expect(wrong).toEqual([]);
  });

  it('keeps third-party packages in their rooms', () => {
    const wrong = modules.flatMap(({ source, dependencies }) =>
      dependencies
        .filter(({ dependencyTypes }) => dependencyTypes.some((type) => type.startsWith('npm')))
        .filter(({ module }) => !(PACKAGE_ROOMS[packageOf(module)] ?? /^lib\/adapters\//).test(source))
        .map(({ module }) => `${source} -> ${module}`),
    );
    expect(wrong).toEqual([]);
  });

  it('keeps files small', () => {
    const long = sources().filter(({ path, lines }) => lines > (path.startsWith('sandbox/') ? 400 : 250));
    expect(long.map(({ path }) => path)).toEqual([]);
  });

  it('keeps folders to what a reader takes in', () => {
    const counts = Map.groupBy(sources(), ({ path }) => path.slice(0, path.lastIndexOf('/')));
    const full = [...counts].filter(([folder, files]) => files.length > 13 && !REGISTERS.has(folder));
    expect(full.map(([folder]) => folder)).toEqual([]);
  });

  it('opens each file with what it is for', () => {
    expect(
      sources()
        .filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text))
        .map(({ path }) => path),
    ).toEqual([]);
  });
});

const packageOf = (specifier: string): string => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');

const sources = (): { path: string; text: string; lines: number }[] =>
  ['handlers', 'lib', 'sandbox', 'worker'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.(ts|js)$/.test(path))
      .map((path) => {
        const text = readFileSync(`${folder}/${path}`, 'utf8');
        return { path: `${folder}/${path}`, text, lines: text.split('\n').length };
      }),
  );
