/**
 * Bad days by name: `npm start -- --fault drain-ignored`, and the same words in the journeys.
 *
 * Each fault is played at the wire or on the disk, by the stand-in it concerns; the product is not told. What a fault has
 * broken is mended when it ends, so that a sandbox is whole again at its next start.
 */
import { join } from 'node:path';
import { emptyFolder, lockFile, losePackage, unmountFolder } from './octopus/folder-faults.ts';
import { hideSecrets, replaceMasterKey, rotateMasterKey } from './octopus/key-faults.ts';
import { setProgramFaults } from './octopus/program/faults.ts';
import type { Fault as SlackFault } from './slack/rate-limits.ts';
import { serves as slackMethods } from './slack/web-api.ts';
import type { StandIns } from './stand-ins.ts';

/** Puts things back as they were; what cannot be undone, because nothing is wrong with it, stays. */
export type Mend = () => void | Promise<void>;

type Fault = {
  about: string;
  /** The value it has when none is given; a fault without one takes none. */
  value?: number;
  /** It happens, and is over: there is nothing to end. */
  isPassing?: boolean;
  play(standIns: StandIns, value: number): Mend | Promise<Mend>;
};

/** Sets properties, and sets them back. */
const set = <T extends object>(target: T, changes: Partial<T>): Mend => {
  const before = Object.fromEntries(Object.keys(changes).map((name) => [name, target[name as keyof T]]));
  Object.assign(target, changes);
  return () => void Object.assign(target, before);
};

const folder = ({ seeded }: StandIns, name: string): string => join(seeded.home, name);

const place = ({ machine, seeded }: StandIns) => ({ directory: machine, instanceName: seeded.instanceName });

const program = ({ machine }: StandIns, faults: Parameters<typeof setProgramFaults>[1]): Mend => {
  setProgramFaults(machine, faults);
  return () => setProgramFaults(machine, {});
};

const store = ({ s3 }: StandIns, faults: Parameters<NonNullable<StandIns['s3']>['setFaults']>[0]): Mend => {
  if (s3 === null) throw new Error('the archives of this sandbox are not in S3');
  s3.setFaults(faults);
  return () => s3.setFaults({});
};

const EVER = Number.MAX_SAFE_INTEGER;

/** What people type still arrives; what octo says does not, save the answers that Slack gave it an address for. */
const slackCalls = ({ slack }: StandIns, fault: SlackFault): Mend => {
  const answerAll = (how: SlackFault): void => {
    for (const { operation } of slackMethods) slack.api.fail(operation, how);
  };
  answerAll({ ...fault, times: EVER });
  return () => answerAll({ times: 0 });
};

/** Somebody else at work: a call that the product knows nothing of. */
const setMaintenance = async ({ octopus, seeded }: StandIns, isOn: boolean): Promise<void> => {
  await fetch(`${octopus.url}/api/maintenanceconfiguration`, {
    method: 'PUT',
    headers: { 'X-Octopus-ApiKey': seeded.apiKey, 'Content-Type': 'application/json' },
    body: JSON.stringify({ IsInMaintenanceMode: isOn }),
  });
};

const octopusFaults: Record<string, Fault> = {
  'octopus-answers': {
    about: 'Octopus answers every call with this status: 401, 403, 500, 503 …',
    value: 503,
    play: ({ octopus }, status) => set(octopus.faults, { status }),
  },
  'octopus-slow': {
    about: 'Octopus takes so many milliseconds longer for each answer',
    value: 2000,
    play: ({ octopus }, delayMs) => set(octopus.faults, { delayMs }),
  },
  'octopus-silent': {
    about: 'Octopus takes calls and never answers',
    play: ({ octopus }) => set(octopus.faults, { isSilent: true }),
  },
  'octopus-proxy': {
    about: 'a proxy answers instead of Octopus, with a page and this status',
    value: 502,
    play: ({ octopus }, proxyPageStatus) => set(octopus.faults, { proxyPageStatus }),
  },
  'maintenance-on': {
    about: 'somebody else has switched maintenance mode on',
    play: async (standIns) => {
      await setMaintenance(standIns, true);
      return () => setMaintenance(standIns, false);
    },
  },
  'maintenance-ignored': {
    about: 'Octopus accepts a change of maintenance mode and does not make it',
    play: ({ octopus }) => set(octopus.faults, { isMaintenanceIgnored: true }),
  },
  'drain-ignored': {
    about: 'a node accepts to be drained and goes on taking tasks',
    play: ({ octopus }) => set(octopus.faults, { isDrainIgnored: true }),
  },
  'task-endless': {
    about: 'a deployment begins and does not end',
    play: async ({ octopus }) => {
      const mend = set(octopus.faults, { areTasksEndless: true });
      await octopus.deploy();
      return mend;
    },
  },
  'deployment-queued': {
    about: 'a deployment is due in so many seconds, maintenance or not',
    value: 20,
    isPassing: true,
    play: async ({ octopus }, afterSeconds) => {
      await octopus.deploy({ afterSeconds });
      return () => {};
    },
  },
};

const sqlServerFaults: Record<string, Fault> = {
  'sql-login-refused': {
    about: 'SQL Server refuses the login',
    play: ({ sqlServer }) => set(sqlServer.faults, { isLoginRefused: true }),
  },
  'sql-share-denied': {
    about: 'SQL Server may not write to the share',
    play: ({ sqlServer }) => set(sqlServer.faults, { isFolderDenied: true }),
  },
  'sql-disk-full': {
    about: 'the share is full at this percentage of the dump',
    value: 60,
    play: ({ sqlServer }, diskFullAtPercent) => set(sqlServer.faults, { diskFullAtPercent }),
  },
  'sql-connection-lost': {
    about: 'the connection breaks at this percentage of the dump',
    value: 50,
    play: ({ sqlServer }, dropAtPercent) => set(sqlServer.faults, { dropAtPercent }),
  },
  'sql-works-on': {
    about: 'SQL Server works on when the connection breaks; together with sql-connection-lost',
    play: ({ sqlServer }) => set(sqlServer.faults, { isWorkKeptAfterDrop: true }),
  },
  'sql-backup-killed': {
    about: 'somebody kills the dump at this percentage',
    value: 50,
    play: ({ sqlServer }, killAtPercent) => set(sqlServer.faults, { killAtPercent }),
  },
  'sql-stalled': {
    about: 'the dump makes no progress any more from this percentage on',
    value: 50,
    play: ({ sqlServer }, stallAtPercent) => set(sqlServer.faults, { stallAtPercent }),
  },
  'sql-page-damaged': {
    about: 'this page of the database is written wrongly into the dump',
    value: 3,
    play: ({ sqlServer }, damagedPage) => set(sqlServer.faults, { damagedPage }),
  },
};

const restoreFaults: Record<string, Fault> = {
  'sql-no-room': {
    about: 'so many megabytes are free where SQL Server puts a restored database',
    value: 1,
    play: ({ sqlServer }, megabytes) => set(sqlServer.faults, { freeBytes: megabytes * 1_000_000 }),
  },
  'sql-copy-corrupt': {
    about: 'DBCC CHECKDB finds damage in every restored copy',
    play: ({ sqlServer }) => set(sqlServer.faults, { corruptPrefix: 'octo_run_' }),
  },
};

const keyFaults: Record<string, Fault> = {
  'key-unreadable': {
    about: 'Octopus.Server cannot show the master key',
    play: (standIns) => program(standIns, { isKeyUnreadable: true }),
  },
  'key-denied': {
    about: 'Octopus.Server refuses its caller, who is no administrator of the machine',
    play: (standIns) => program(standIns, { isDenied: true }),
  },
  'key-wrong': {
    about: 'Octopus.Server shows another master key than the one that seals the data',
    play: (standIns) => replaceMasterKey(place(standIns)),
  },
  'key-rotated': {
    about: 'the master key was rotated since the last backup; stays so',
    isPassing: true,
    play: async (standIns) => {
      await rotateMasterKey(place(standIns));
      return () => {};
    },
  },
  'secrets-hidden': {
    about: 'no encrypted value is found where documents hold secrets',
    play: (standIns) => hideSecrets(place(standIns)),
  },
};

const folderFaults: Record<string, Fault> = {
  'folder-missing': {
    about: 'the folder of packages is not there',
    play: (standIns) => unmountFolder(folder(standIns, 'Packages')),
  },
  'folder-emptied': {
    about: 'the folder of packages is there and empty, as without its volume',
    play: (standIns) => emptyFolder(folder(standIns, 'Packages')),
  },
  'folder-locked': {
    about: 'the folder of packages may not be read; by an account that reads everything it still may',
    play: (standIns) => lockFile(folder(standIns, 'Packages')),
  },
  'package-lost': {
    about: 'a package that the database lists has no file',
    play: (standIns) => losePackage(folder(standIns, 'Packages')).mend,
  },
};

const storeFaults: Record<string, Fault> = {
  'store-full': {
    about: 'the store has no room left',
    play: (standIns) => store(standIns, { full: true }),
  },
  'store-slow': {
    about: 'the store takes so many milliseconds longer for each answer',
    value: 500,
    play: (standIns, delayMs) => store(standIns, { delayMs }),
  },
  'store-busy': {
    about: 'so many requests are told to slow down',
    value: 10,
    play: (standIns, slowDown) => store(standIns, { slowDown }),
  },
  'store-wrong-bytes': {
    about: 'so many objects come back with a byte changed',
    value: 1000,
    play: (standIns, wrongBytes) => store(standIns, { wrongBytes }),
  },
  'store-silent': {
    about: 'so many requests are taken and never answered',
    value: 5,
    play: (standIns, silent) => store(standIns, { silent }),
  },
};

const slackFaults: Record<string, Fault> = {
  'slack-down': {
    about: 'Slack answers every call of octo with this status',
    value: 503,
    play: (standIns, status) => slackCalls(standIns, { status }),
  },
  'slack-busy': {
    about: 'Slack tells octo to come back in so many seconds, each time',
    value: 20,
    play: (standIns, retryAfterSeconds) => slackCalls(standIns, { retryAfterSeconds }),
  },
};

/** The faults by what they concern. */
export const areas: Readonly<Record<string, Readonly<Record<string, Fault>>>> = {
  Octopus: octopusFaults,
  Slack: slackFaults,
  'SQL Server': { ...sqlServerFaults, ...restoreFaults },
  Keys: keyFaults,
  Folders: folderFaults,
  Store: storeFaults,
};

/** Every fault by its name. */
export const faults: Readonly<Record<string, Fault>> = Object.assign({}, ...Object.values(areas));

/** Is this a fault, as `NAME` or `NAME=value`? */
export const isFault = (text: string): boolean => parse(text) !== null;

/** Does the fault need the archives in S3? */
export const needsS3 = (text: string): boolean => Object.hasOwn(storeFaults, nameOf(text));

/** Plays the faults named as `NAME` or `NAME=value`; returns how to mend them all, last first. */
export const playFaults = async (standIns: StandIns, texts: readonly string[]): Promise<() => Promise<void>> => {
  const mends: Mend[] = [];
  const mendAll = async (): Promise<void> => {
    for (const mend of mends.splice(0)) await mend();
  };
  try {
    for (const text of texts) {
      const wanted = parse(text);
      if (wanted === null) throw new Error(`there is no fault "${text}"`);
      mends.unshift(await wanted.fault.play(standIns, wanted.value));
    }
    return mendAll;
  } catch (thrown) {
    await mendAll();
    throw thrown;
  }
};

/** One line for each fault. */
export const faultsHelp = (): string =>
  Object.entries(faults)
    .map(([name, { value, about }]) => `  ${(value === undefined ? name : `${name}=${value}`).padEnd(24)}${about}`)
    .join('\n');

/** What `NAME` or `NAME=value` says; null when it is no fault. */
export const readFault = (text: string): { name: string; value: number } | null => {
  const found = parse(text);
  return found === null ? null : { name: nameOf(text), value: found.value };
};

const nameOf = (text: string): string => text.split('=', 1)[0]!;

const parse = (text: string): { fault: Fault; value: number } | null => {
  const name = nameOf(text);
  const fault = Object.hasOwn(faults, name) ? faults[name] : undefined;
  if (fault === undefined) return null;
  if (text === name) return { fault, value: fault.value ?? 0 };
  const value = Number(text.slice(name.length + 1));
  return fault.value === undefined || !Number.isFinite(value) ? null : { fault, value };
};
