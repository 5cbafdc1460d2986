/** The commands of `Octopus.Server` that the stand-in knows, and those of the original that it does not. */
import { commands } from './commands.ts';

const PART: Record<string, string> = {
  admin: 'existing users only; no --password, no groups',
  configure: 'home, listen prefixes, Tentacle port, node name',
  database: 'looks for the schema, creates and upgrades none',
  node: 'a task cap is taken as it is',
  path: 'no --clusterShared, no --cacheDirectory',
  service: 'no installation, no accounts',
  'show-configuration': 'the settings our program reads, and a few more',
  version: 'the JSON form has one property',
};
const MISSING = [
  'builtin-worker',
  'checkservices',
  'export-certificate',
  'lost-master-key',
  'new-certificate',
  'rotate-master-key',
  'run',
  'watchdog',
] as const;

export const serves = [
  ...Object.keys(commands).map((operation) => ({
    operation,
    extent: operation in PART ? ('part' as const) : ('full' as const),
    note: PART[operation] ?? '',
  })),
  ...MISSING.map((operation) => ({ operation, extent: 'none' as const, note: '' })),
];
