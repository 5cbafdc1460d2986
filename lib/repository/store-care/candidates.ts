/** The archives of an instance as retention judges them: who holds them, who reads them, what was found wrong, what is locked. */
import {
  type Candidate,
  goodArchiveAt,
  type Retention,
  retentionVerdicts,
  type Verdict,
} from '../../domain/archives/retention.ts';
import { archiveKeys } from '../../domain/names.ts';
import type { World } from '../../ports/world.ts';
import { listArchives } from '../catalog.ts';
import { damagedNames } from '../damage.ts';
import { heldArchives } from '../holds.ts';
import { readSettings } from '../settings.ts';
import { archivesBeingRead } from './reader-holds.ts';

type Stores = Pick<World, 'archives' | 'state' | 'clock'>;

/** What retention does with each archive, newest first, and what it was judged by. */
export type Judged = { candidates: Candidate[]; verdicts: Verdict[]; retention: Retention; timeZone: string };

/** Judges every archive of the instance by its settings: as they are now. */
export const judgeArchives = (world: Stores, instance: string): Promise<Judged> => judge(world, instance, []);

/** Judges them as the next good backup will, if it comes now. */
export const judgeAfterBackup = (world: Stores, instance: string): Promise<Judged> =>
  judge(world, instance, [goodArchiveAt(world.clock.now().toISOString())]);

const judge = async (world: Stores, instance: string, coming: Candidate[]): Promise<Judged> => {
  const { retention, schedule } = await readSettings(world, instance);
  const judging = { retention, timeZone: schedule.timeZone, now: world.clock.now() };
  const unlocked = await readCandidates(world, instance);
  const going = idsToDrop(retentionVerdicts([...unlocked, ...coming], judging));
  // Locks are asked for one by one, so only of those that would go.
  const candidates = await Promise.all(
    unlocked.map(async (one) =>
      going.has(one.archiveId) ? { ...one, lockedUntil: await lockedUntil(world, instance, one.archiveId) } : one,
    ),
  );
  const isComing = new Set(coming.map(({ archiveId }) => archiveId));
  const verdicts = retentionVerdicts([...candidates, ...coming], judging);
  return { candidates, verdicts: verdicts.filter(({ archiveId }) => !isComing.has(archiveId)), ...judging };
};

/** Ids of the archives that no rule keeps. */
export const idsToDrop = (verdicts: readonly Verdict[]): Set<string> =>
  new Set(verdicts.filter(({ rules }) => rules.length === 0).map(({ archiveId }) => archiveId));

const readCandidates = async (world: Stores, instance: string): Promise<Candidate[]> => {
  const [damaged, held, read] = await Promise.all([
    damagedNames(world, instance),
    heldArchives(world, instance),
    archivesBeingRead(world, instance),
  ]);
  const candidates: Candidate[] = [];
  for await (const { archiveId, takenAt, word, isSafety = false } of listArchives(world, instance)) {
    candidates.push({
      archiveId,
      takenAt,
      word,
      isSafety,
      isDamaged: damaged.has(archiveId),
      isHeld: held.has(archiveId),
      isRead: read.has(archiveId),
      lockedUntil: null,
    });
  }
  return candidates;
};

const lockedUntil = async ({ archives }: Stores, instance: string, archiveId: string): Promise<string | null> =>
  (await archives.head(archiveKeys.manifest(instance, archiveId)))?.lockedUntil ?? null;
