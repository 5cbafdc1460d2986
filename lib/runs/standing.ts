/** Reads how an instance stands: its archives, its settings, its runs, and its server, which may not answer. */
import type { Manifest } from '../domain/archives/archive.ts';
import { behindSeconds, type Hand } from '../domain/archives/verify-plan.ts';
import { objectivesOf } from '../domain/drills/objectives.ts';
import { OctoError } from '../domain/errors.ts';
import { archiveKeys, isArchiveId } from '../domain/names.ts';
import { nextSlot } from '../domain/settings/schedule.ts';
import type { Standing, Verification } from '../domain/settings/standing.ts';
import type { World } from '../ports/world.ts';
import { latestGood } from '../repository/catalog.ts';
import { damagedNames } from '../repository/damage.ts';
import { listDrills } from '../repository/outcomes/drill-records.ts';
import { listRuns } from '../repository/run-book.ts';
import { readSettings } from '../repository/settings.ts';
import { readVerification } from '../repository/store-care/verification.ts';
import { unreadable } from './unreadable.ts';

/** How the instance stands now. What cannot be read is named, and the rest is told. */
export const readStanding = async (world: World, instance: string): Promise<Standing> => {
  const { named, note, orNull } = unreadable();
  const [maintenance, newest, settings, runs, damagedCount, verified, drills] = await Promise.all([
    readMaintenance(world, instance),
    orNull(latestGood(world, instance).then((found) => ({ found }))),
    orNull(readSettings(world, instance)),
    orNull(listRuns(world, { instance, limit: 10, onUnreadable: note })),
    orNull(damagedArchives(world, instance)),
    orNull(readVerification(world, instance)),
    orNull(listDrills(world, instance, { limit: DRILLS_READ })),
  ]);
  const now = world.clock.now();
  return {
    instance,
    ...maintenance,
    areArchivesRead: newest !== null,
    latestGood: newest?.found == null ? null : goodArchive(newest.found, now),
    targetSeconds: settings === null ? null : settings.targetHours * 3600,
    pause: settings?.pause ?? null,
    nextRun: settings === null ? null : nextSlot(settings, now),
    running: runs?.filter((run) => run.status === 'running') ?? [],
    damagedCount: damagedCount ?? 0,
    verification: settings && verified && verificationOf(verified.hand, { days: settings.verifyDays, now }),
    objectives: settings && drills && objectivesOf(drills, settings),
    unreadable: named(),
  };
};

/** Of these the last ones that got through are told from. */
const DRILLS_READ = 10;

/** Marks of archives that are gone say nothing any more. */
const damagedArchives = async (world: Pick<World, 'archives' | 'clock'>, instance: string): Promise<number> => {
  const damaged = [...(await damagedNames(world, instance))].filter(isArchiveId);
  const keys = damaged.map((archiveId) => archiveKeys.manifest(instance, archiveId));
  const found = await Promise.all(keys.map((key) => world.archives.head(key)));
  return found.filter((manifest) => manifest !== null).length;
};

const verificationOf = (hand: Hand, { days, now }: { days: number; now: Date }): Verification => ({
  days,
  cameRoundAt: hand.cameRoundAt,
  behindSeconds: behindSeconds(hand, now),
});

const goodArchive = ({ archiveId, takenAt, proof, keys }: Manifest, now: Date): Standing['latestGood'] => ({
  archive: archiveId,
  takenAt,
  ageSeconds: Math.round((now.getTime() - Date.parse(takenAt)) / 1000),
  keyProof: { opened: proof.opened, sampled: proof.sampled, fingerprint: keys.masterKeyFingerprint },
});

const readMaintenance = async (
  world: Pick<World, 'octopusApi'>,
  instance: string,
): Promise<Pick<Standing, 'maintenance' | 'maintenanceReason'>> => {
  try {
    const isOn = await (await world.octopusApi(instance)).isInMaintenance();
    return { maintenance: isOn ? 'on' : 'off', maintenanceReason: null };
  } catch (thrown) {
    return { maintenance: 'unknown', maintenanceReason: OctoError.from(thrown).message };
  }
};
