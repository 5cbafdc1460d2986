/**
 * After a new good archive: those that no rule of retention keeps any more are taken out of the list, and once a day what no
 * archive needs is removed from the store. After any other outcome nothing is touched.
 *
 * Removal comes first and goes by what was named two days before, so whatever this run takes out of the list is looked at
 * by a later one. What goes is in the audit before it goes. Needs only the stores, and the lock that the run holds.
 */
import * as z from 'zod';
import { collectUnneeded } from '../archive/care/collect.ts';
import type { Manifest } from '../domain/archives/archive.ts';
import { keptUntil } from '../domain/archives/retention.ts';
import { isOctoError, OctoError } from '../domain/errors.ts';
import { stateKeys } from '../domain/names.ts';
import type { RunRecord } from '../domain/runs/run.ts';
import { comingSlots } from '../domain/settings/schedule.ts';
import type { World } from '../ports/world.ts';
import { readManifest } from '../repository/archives.ts';
import { appendAuditOnce } from '../repository/audit.ts';
import { readSettings } from '../repository/settings.ts';
import { idsToDrop, judgeArchives, type Judged } from '../repository/store-care/candidates.ts';
import { forgetBrokenDeletions, unlistArchive } from '../repository/store-care/unlist.ts';
import { readRecord, update } from '../repository/update.ts';
import { archivePlace } from './parts/archive-place.ts';
import { defineStep, type StepContext } from './step.ts';

const HOUR_MS = 3_600_000;
/** Looking into every index costs time: not with each of the day's backups. */
const COLLECT_EVERY_HOURS = 20;
/** As far as anybody plans: what stays longer is not told. */
const HORIZON_HOURS = 400 * 24;
const SLOTS_AT_MOST = 3000;

/** `keptUntil`: when this run's archive goes, if the schedule runs as it stands; `null` when it stays longer than a year. */
const Output = z.strictObject({ keptUntil: z.string().nullable(), notes: z.array(z.string()) });

export const step = defineStep(
  { name: 'prune', runsOn: 'cloud', input: z.strictObject({}), output: Output },
  async (world, _input, { run, beat }) => {
    const manifest = await readManifest(world, archivePlace(run));
    if (manifest?.word !== 'good') return { keptUntil: null, notes: [] };
    await forgetBrokenDeletions(world, run.instance);
    const collected = await collectDaily(world, run, beat);
    const judged = await judgeArchives(world, run.instance);
    const pruned = await applyRetention(world, { run, judged, beat });
    return { keptUntil: await endOf(world, judged, manifest), notes: [...collected, ...pruned] };
  },
);

type Stores = Pick<World, 'archives' | 'state' | 'clock'>;

const CollectionRecord = z.strictObject({ collectedAt: z.string() });

const collectDaily = async (world: Stores, { instance }: RunRecord, beat: StepContext['beat']): Promise<string[]> => {
  const at = { key: stateKeys.collection(instance), schema: CollectionRecord };
  const now = world.clock.now();
  const last = await readRecord(world.state, at);
  if (last !== null && now.getTime() - Date.parse(last.collectedAt) < COLLECT_EVERY_HOURS * HOUR_MS) return [];
  const { postponed } = await collectUnneeded(world, instance, beat);
  if (postponed !== null) return [`data of deleted archives was not removed from the store: ${postponed}`];
  await update(world.state, at, () => ({ collectedAt: now.toISOString() }));
  return [];
};

type Pruning = { run: RunRecord; judged: Judged; beat: StepContext['beat'] };

const applyRetention = async (world: Stores, { run, judged, beat }: Pruning): Promise<string[]> => {
  const { instance } = run;
  const going = [...idsToDrop(judged.verdicts)].filter((id) => id !== run.archiveId);
  if (going.length === 0) return [];
  await record(world, run, { stage: 'intent', archives: going });
  const gone: string[] = [];
  for (const archiveId of going) {
    await beat({ text: `${archiveId} is kept by no rule` });
    // Somebody may have held it, or begun to read it, since it was judged.
    const isGone = await unlistArchive(world, { instance, archiveId }, run.id).then(() => true, keptAfterAll);
    if (isGone) gone.push(archiveId);
  }
  await record(world, run, { stage: 'done', archives: gone });
  return [`${gone.length} older ${gone.length === 1 ? 'archive went' : 'archives went'} by retention`];
};

const keptAfterAll = (thrown: unknown): false => {
  if (isOctoError(thrown, 'ArchiveHeld', 'ArchiveInUse', 'ArchiveLocked')) return false;
  throw OctoError.from(thrown);
};

const record = (
  world: Stores,
  { id: runId, instance: on, requestedAt }: RunRecord,
  { stage, archives }: { stage: 'intent' | 'done'; archives: string[] },
) => {
  const who = { person: 'octo', door: 'workflow' } as const;
  return appendAuditOnce(
    world,
    { who, act: 'retention', stage, on, runId, detail: { archives } },
    { since: requestedAt },
  );
};

/** Older archives that have just gone change nothing about it. */
const endOf = async (
  world: Stores,
  { candidates, retention, timeZone }: Judged,
  { instance, archiveId }: Manifest,
): Promise<string | null> => {
  const { schedule } = await readSettings(world, instance);
  const now = world.clock.now();
  const until = new Date(now.getTime() + HORIZON_HOURS * HOUR_MS);
  const slots = comingSlots(schedule, { after: now, until, most: SLOTS_AT_MOST });
  return keptUntil(candidates, archiveId, { retention, timeZone, slots });
};
