/**
 * Every id and every stored key is made and parsed here, and nowhere else.
 *
 * Ids are derived, not drawn: the same request gives the same run, the same run gives the same archive, so a step that
 * runs twice finds its own work.
 */
import { createHash } from 'node:crypto';

/** Crockford's base 32: no I, L, O, U, so an id can be read aloud and typed on a phone. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ID_LENGTH = 8;

const shortHash = (text: string): string =>
  [...createHash('sha256').update(text).digest().subarray(0, ID_LENGTH)]
    .map((byte) => ALPHABET[byte % ALPHABET.length])
    .join('');

/** `run_7F3K9Q2M`, from whatever identifies the request: Slack's trigger id, a schedule slot, a terminal's nonce. */
export const runIdOf = (requestKey: string): string => `run_${shortHash(requestKey)}`;

/** `arc_20260304T020000Z_7F3K9Q2M`: sorts by time, and belongs to exactly one run. */
export const archiveIdOf = (run: { id: string; requestedAt: string }): string =>
  `arc_${compactTime(run.requestedAt)}_${run.id.slice('run_'.length)}`;

const compactTime = (iso: string): string => iso.replace(/\.\d+/, '').replaceAll(/[-:]/g, '');

export const isRunId = (text: string): boolean => /^run_[0-9A-HJKMNP-TV-Z]{8}$/.test(text);
export const isArchiveId = (text: string): boolean => /^arc_\d{8}T\d{6}Z_[0-9A-HJKMNP-TV-Z]{8}$/.test(text);

/** Keys in the archives bucket. `docs/format.md` describes what lies under them. */
export const archiveKeys = {
  archives: (instance: string) => `${instance}/archives/`,
  archive: (instance: string, archiveId: string) => `${instance}/archives/${archiveId}/`,
  manifest: (instance: string, archiveId: string) => `${instance}/archives/${archiveId}/manifest.json`,
  section: (instance: string, archiveId: string, name: string) =>
    `${instance}/archives/${archiveId}/sections/${name}.json`,
  file: (instance: string, archiveId: string, name: string) => `${instance}/archives/${archiveId}/${name}`,
  indexes: (instance: string) => `${instance}/indexes/`,
  /** Packs and indexes are named by the SHA-256 of their own bytes: whoever writes the same again finds it there. */
  index: (instance: string, sha256: string) => `${instance}/indexes/${sha256}.zst`,
  packs: (instance: string) => `${instance}/packs/`,
  database: (instance: string) => `${instance}/database/`,
  /** That a person lets the archive count as good. */
  acceptance: (instance: string, archiveId: string) => `${instance}/accepted/${archiveId}.json`,
  /** What the drills that brought the archive back have found; goes with it. */
  drills: (instance: string, archiveId: string) => `${instance}/archives/${archiveId}/drills/`,
  drill: (instance: string, archiveId: string, runId: string) =>
    `${instance}/archives/${archiveId}/drills/${runId}.json`,
  damages: (instance: string) => `${instance}/damaged/`,
  /** What is damaged, by the SHA-256 of a pack or index, or by the id of an archive that needs it. */
  damage: (instance: string, name: string) => `${instance}/damaged/${name}.json`,
} as const;

/** The SHA-256 that names a pack or an index, or `null` for any other key. */
export const contentNameOf = (instance: string, key: string): string | null => {
  const name = key.startsWith(`${instance}/`) ? key.slice(instance.length + 1) : '';
  return /^(?:packs|database|indexes)\/([0-9a-f]{64})(?:\.zst)?$/.exec(name)?.[1] ?? null;
};

/** The archive that a key under `archiveKeys.archives` belongs to, or `null`. */
export const archiveIdOfKey = (instance: string, key: string): string | null => {
  const prefix = archiveKeys.archives(instance);
  const id = key.startsWith(prefix) ? key.slice(prefix.length).split('/', 1)[0]! : '';
  return isArchiveId(id) ? id : null;
};

/** Where ids of archives requested at `time` or later begin, in byte order. */
export const archiveIdFloor = (time: Date): string => `arc_${compactTime(time.toISOString())}`;

/** 13 digits until the year 2286: what is left of them falls as time goes on, and keys keep their length. */
const LAST_MS = 9_999_999_999_999;

/** Keys in the state bucket. */
export const stateKeys = {
  settings: (instance: string) => `${instance}/settings.json`,
  lock: (instance: string) => `${instance}/lock.json`,
  runs: () => 'runs/',
  run: (runId: string) => `runs/${runId}/run.json`,
  steps: (runId: string) => `runs/${runId}/steps/`,
  stepNote: (runId: string, state: string) => `runs/${runId}/steps/${state}.json`,
  lease: (runId: string) => `runs/${runId}/lease.json`,
  cancel: (runId: string) => `runs/${runId}/cancel.json`,
  plan: (runId: string) => `runs/${runId}/plan.json`,
  /** That its archive was accepted, for its views. */
  accepted: (runId: string) => `runs/${runId}/accepted.json`,
  /** The last question that the run asked people. */
  question: (runId: string) => `runs/${runId}/question.json`,
  answer: (runId: string, n: number) => `runs/${runId}/answers/${n}.json`,
  approval: (runId: string) => ({
    opening: `approvals/${runId}/opening.json`,
    /** Holds the task token: readable by no role but the one that wakes the run. */
    token: `approvals/${runId}/token.json`,
    votes: `approvals/${runId}/votes/`,
    vote: (person: string) => `approvals/${runId}/votes/${person}.json`,
    decision: `approvals/${runId}/decision.json`,
    closure: `approvals/${runId}/closure.json`,
  }),
  card: (runId: string) => `cards/${runId}.json`,
  /** Entries sort newest first, so that the last runs are found without reading all; `null` is every instance. */
  timeline: (instance: string | null) => (instance === null ? 'timeline/all/' : `timeline/instances/${instance}/`),
  timelineEntry: (instance: string | null, run: { id: string; requestedAt: string }) =>
    `${stateKeys.timeline(instance)}${LAST_MS - Date.parse(run.requestedAt)}_${run.id}.json`,
  /** That a failure was told, beside the card that cannot say it aloud. */
  notice: (runId: string) => `cards/${runId}.notice.json`,
  /** Which of its questions was told, beside the card. */
  questionNotice: (runId: string) => `cards/${runId}.question.json`,
  /** How long such a run takes, as told when its card was first shown. */
  pace: (runId: string) => `cards/${runId}.pace.json`,
  /** That its break-glass was announced, and whether the announcement is closed. */
  breakGlass: (runId: string) => `cards/${runId}.break-glass.json`,
  /** How many reminders of its approval were posted. */
  reminder: (runId: string) => `cards/${runId}.reminder.json`,
  /** That a request which came through a door of many processes is carried out, and by which call. */
  request: (requestKey: string) => `requests/${runIdOf(requestKey)}.json`,
  /** Who was in a Slack user group when it was asked for last. */
  slackGroup: (group: string) => `slack/groups/${group}.json`,
  /** The last test message of `check`, and when its button last worked. */
  wayBack: () => 'slack/way-back.json',
  schedule: (instance: string, of: '' | '.drill' = '') => `schedule/${instance}${of}.json`,
  watch: (instance: string) => `watch/${instance}.json`,
  digest: (instance: string) => `digest/${instance}.json`,
  hostReport: (host: string) => `hosts/${host}/report.json`,
  audits: () => 'audit/',
  audit: (position: number) => `audit/${String(position).padStart(12, '0')}.json`,
  holds: (instance: string) => `holds/${instance}/`,
  hold: (instance: string, archiveId: string) => `holds/${instance}/${archiveId}.json`,
  readers: (instance: string) => `readers/${instance}/`,
  /** That a run reads the archive, and until when at most. */
  reader: (instance: string, archiveId: string, runId: string) => `readers/${instance}/${archiveId}/${runId}.json`,
  deletions: (instance: string) => `deletions/${instance}/`,
  /** That the archive is just being deleted: nobody begins to read it. */
  deletion: (instance: string, archiveId: string) => `deletions/${instance}/${archiveId}.json`,
  trashes: (instance: string) => `trash/${instance}/`,
  trash: (instance: string, position: number) => `trash/${instance}/${String(position).padStart(12, '0')}.json`,
  /** When unneeded data was last looked for. */
  collection: (instance: string) => `trash/${instance}.json`,
  drills: (instance: string) => `drills/${instance}/`,
  drill: (instance: string, run: { id: string; requestedAt: string }) =>
    `${stateKeys.drills(instance)}${LAST_MS - Date.parse(run.requestedAt)}_${run.id}.json`,
  drillReport: (runId: string) => `cards/${runId}.drill.json`,
  /** How far the verification by schedule is. */
  verification: (instance: string) => `verification/${instance}.json`,
} as const;

/** The place of an audit entry in its chain, or `null` for a key that is none. */
export const positionOfAuditKey = (key: string): number | null => {
  const digits = /^audit\/(\d{12})\.json$/.exec(key)?.[1];
  return digits === undefined ? null : Number(digits);
};

/** The archive that a hold is on, or `null` for a key that is none. */
export const archiveIdOfHold = (instance: string, key: string): string | null => {
  const id = key.slice(stateKeys.holds(instance).length, -'.json'.length);
  return isArchiveId(id) && key === stateKeys.hold(instance, id) ? id : null;
};

/** The archive that a reader's hold is on, or `null` for a key that is none. */
export const archiveIdOfReader = (instance: string, key: string): string | null => {
  const [id = '', ...rest] = key.slice(stateKeys.readers(instance).length).split('/');
  return key.startsWith(stateKeys.readers(instance)) && isArchiveId(id) && rest.length === 1 ? id : null;
};

/** The number of a trash record, or `null` for a key that is none. */
export const positionOfTrash = (instance: string, key: string): number | null => {
  const digits = /^(\d{12})\.json$/.exec(key.slice(stateKeys.trashes(instance).length))?.[1];
  return digits === undefined ? null : Number(digits);
};

/** The run that a changed state key belongs to, or `null`: what the card watches. */
export const runIdOfKey = (key: string): string | null =>
  /^(?:runs|approvals)\/(run_[0-9A-Z]+)\//.exec(key)?.[1] ?? null;

/** The run that a timeline entry names, and when it was asked for; `null` for anything else. */
export const parseTimelineEntry = (key: string): { runId: string; requestedAt: string } | null => {
  const match = /^timeline\/.*\/(\d{13})_(run_[0-9A-Z]+)\.json$/.exec(key);
  if (!match?.[1] || !match[2]) return null;
  return { runId: match[2], requestedAt: new Date(LAST_MS - Number(match[1])).toISOString() };
};

/** Names in the secret store: the fingerprint makes each value its own secret, created once. */
export const secretNames = {
  masterKeys: (instance: string) => `${instance}/master-key/`,
  masterKey: (instance: string, fingerprint: string) => `${instance}/master-key/${fingerprint}`,
  licenses: (instance: string) => `${instance}/license/`,
  license: (instance: string, fingerprint: string) => `${instance}/license/${fingerprint}`,
} as const;

/** Name of a run's backup set, SQL session and file on the share: how a run finds its own work again. */
export const backupSetName = (runId: string): string => `octo-${runId}`;
export const backupFileName = (instance: string, runId: string): string => `octo-${instance}-${runId}.bak`;

/** A run's copy of a database, beside the one that a server works with. */
export const scratchDatabaseName = (runId: string): string => `octo_${runId}`;
/** All of them begin so. */
export const SCRATCH_PREFIX = 'octo_run_';

/** The run that made this database, or `null` for any other database: also for one that a run put aside. */
export const runIdOfScratch = (database: string): string | null => {
  const runId = database.slice('octo_'.length);
  return isRunId(runId) && database === scratchDatabaseName(runId) ? runId : null;
};

const DATABASE_NAME_LENGTH = 128;

/** Under which the database of the server is kept while a restored one has its name. */
export const asideDatabaseName = (database: string, runId: string): string => {
  const ending = `_before_${runId}`;
  return `${database.slice(0, DATABASE_NAME_LENGTH - ending.length)}${ending}`;
};

/** The dump of an archive on its way back into SQL Server, and the session that restores it. */
export const loadFileName = (instance: string, runId: string): string => `octo-${instance}-${runId}-load.bak`;
export const loadSessionName = (runId: string): string => `octo-${runId}-load`;

/** The run that a dump on its way back belongs to, or `null` for any other file. */
export const runIdOfLoadFile = (instance: string, fileName: string): string | null => {
  const runId = fileName.slice(`octo-${instance}-`.length, -'-load.bak'.length);
  return isRunId(runId) && fileName === loadFileName(instance, runId) ? runId : null;
};

/** What `check` lets SQL Server write to the share, and takes away again. */
export const checkFileName = (instance: string): string => `octo-check-${instance}.bak`;

/** The run of `instance` that a file on the share was made for, or `null` when it is not one of ours. */
export const runIdOfBackupFile = (instance: string, fileName: string): string | null => {
  const runId = fileName.slice(`octo-${instance}-`.length, -'.bak'.length);
  return isRunId(runId) && fileName === backupFileName(instance, runId) ? runId : null;
};

/** What a restore puts beside a folder of the server, or into one that it cannot rename: the new content and the old. */
export const restoreFolders = {
  beside: (target: string, runId: string) => ({
    beside: `${target}.octo-${runId}`,
    aside: `${target}.octo-${runId}.old`,
  }),
  inside: (target: string, runId: string) => ({
    beside: `${target}/.octo-${runId}/new`,
    aside: `${target}/.octo-${runId}/old`,
  }),
} as const;

/** Is this the name of a folder that a restore has put into a folder of the server? It belongs to no backup. */
export const isRestoreFolder = (name: string): boolean =>
  name.startsWith('.octo-') && isRunId(name.slice('.octo-'.length));

/** `PackFolders` of `pack-folders`: the state a step is served under when it is used once. */
export const stateNameOf = (step: string): string =>
  step.replaceAll(/(^|-)([a-z])/g, (_match, _dash, letter: string) => letter.toUpperCase());
