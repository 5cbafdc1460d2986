/** What `/octo backup now --plan` shows: what a backup would take and how it went last time. Asks, and changes nothing. */
import { placesOf } from '../archive/index/places.ts';
import { chooseFolders } from '../domain/archives/left-out.ts';
import { requirement, type Verdict } from '../domain/runs/approval-policy.ts';
import type { BackupSummary, RunRecord } from '../domain/runs/run.ts';
import { columns, type Reply } from '../domain/reply.ts';
import { parseFolders } from '../domain/settings/fields/folders-field.ts';
import type { World } from '../ports/world.ts';
import { latestGood } from '../repository/catalog.ts';
import { policyFor } from '../repository/people/policy.ts';
import { listRuns } from '../repository/run-book.ts';
import { readSettings } from '../repository/settings.ts';
import { idsToDrop, judgeAfterBackup } from '../repository/store-care/candidates.ts';
import { count, duration, size } from '../slack/text.ts';

const RUNS_READ = 20;
const RUNS_MEASURED = 5;

export const backupPlan = async (world: World, { instance, consistency, folders, by }: Planned): Promise<Reply> => {
  const [places, last, runs, settings, policy, going] = await Promise.all([
    placesOf(world, instance),
    latestGood(world, instance),
    listRuns(world, { instance, limit: RUNS_READ }),
    readSettings(world, instance),
    policyFor(world, instance),
    archivesGoing(world, instance),
  ]);
  const asked = folders === undefined ? undefined : parseFolders(folders);
  const { taken, leftOut } = chooseFolders(places, { setting: settings.folders, asked });
  const { database } = world.instance(instance);
  const running = runs.find(({ status }) => status === 'running') ?? null;
  const expected = expectedTimes(runs, consistency);
  const lastSize = (name: string): number | null =>
    last?.folders.places.find((place) => place.name === name)?.sizeBytes ?? null;
  return {
    headline:
      running === null
        ? `A backup of ${instance} would be ${consistency}; nothing was started.`
        : `${running.id} is at work on ${instance}: asking now would join it. Nothing was started.`,
    lines: columns([
      ['database', database.name, lastTime(last?.database.sizeBytes ?? null)],
      ...taken.map(({ name, path }) => [name, path, lastTime(lastSize(name))]),
      ...leftOut.map(({ name, path, by: whose }) => [name, path, LEFT_OUT[whose]]),
      ['keys', 'master key and license, into the secret store'],
      ['quiet', consistency === 'online' ? 'none: Octopus stays open' : spanOf(expected.quietSeconds)],
      ['takes', spanOf(expected.durationSeconds)],
      ['approval', approvalWords(requirement(policy, { verb: 'backup', instance: world.instance(instance), by }))],
      ['afterwards', retentionWords(going)],
    ]),
    json: {
      instance,
      consistency,
      joins: running?.id ?? null,
      database: { name: database.name, lastBytes: last?.database.sizeBytes ?? null },
      places: taken.map(({ name, path }) => ({ name, path, lastBytes: lastSize(name) })),
      leftOut,
      expected,
      archivesGoing: going,
    },
  };
};

type Planned = {
  instance: string;
  consistency: 'quiesced' | 'online';
  /** As it was typed; undefined leaves it to the settings. */
  folders: string | undefined;
  by: RunRecord['requestedBy'];
};

const LEFT_OUT = {
  settings: 'left out, as the settings say',
  request: 'left out, as asked: the archive will have gaps',
};

/** Ids of the archives that no rule keeps once this backup is good. */
const archivesGoing = async (world: World, instance: string): Promise<string[]> => [
  ...idsToDrop((await judgeAfterBackup(world, instance)).verdicts),
];

const retentionWords = (going: readonly string[]): string =>
  going.length === 0
    ? 'no archive is deleted'
    : `if it is good, ${count(going.length, 'older archive')} deleted by retention: /octo backup retention`;

const approvalWords = (verdict: Verdict): string => {
  if (verdict.kind === 'free') return 'none needed';
  if (verdict.kind === 'denied') return 'the policy does not let you ask for it';
  const { count, approvers } = verdict.requirement;
  return `of ${count} of ${approvers.join(', ')}, once the preflight has passed`;
};

type Range = { least: number; most: number; runs: number } | null;

/** As the last good runs of the same kind went; null when there is none to go by. */
const expectedTimes = (runs: RunRecord[], consistency: 'quiesced' | 'online') => {
  const measured = runs
    .flatMap(({ outcome }) => (outcome?.word === 'good' && outcome.backup !== null ? [outcome.backup] : []))
    .filter((backup) => backup.consistency === consistency)
    .slice(0, RUNS_MEASURED);
  const range = (of: (backup: BackupSummary) => number): Range =>
    measured.length === 0
      ? null
      : { least: Math.min(...measured.map(of)), most: Math.max(...measured.map(of)), runs: measured.length };
  return {
    quietSeconds: range(({ quietSeconds }) => quietSeconds),
    durationSeconds: range(({ durationSeconds }) => durationSeconds),
  };
};

const spanOf = (range: Range): string => {
  if (range === null) return 'not known yet: no good run to go by';
  const [least, most] = [duration(range.least), duration(range.most)];
  return `${least === most ? `about ${least}` : `${least} to ${most}`}, as the last ${range.runs === 1 ? 'good run' : `${range.runs} good runs`}`;
};

const lastTime = (bytes: number | null): string => (bytes === null ? 'not taken before' : `${size(bytes)} last time`);
