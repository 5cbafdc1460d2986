/**
 * The weekly digest: read from runs and archives, and sent on Monday mornings in the instance's time zone.
 *
 * That it was sent is noted afterwards, and it is posted under a key: a kill in between edits the same message. The chart is
 * claimed before it is shown: a kill in between leaves a week without its picture, and never with two.
 */
import * as z from 'zod';
import type { Manifest } from '../domain/archives/archive.ts';
import type { AuditHead } from '../domain/audit.ts';
import { type Digest, digestOf, weekBefore } from '../domain/settings/digest.ts';
import { stateKeys } from '../domain/names.ts';
import { isOctoError } from '../domain/errors.ts';
import { nextSlot } from '../domain/settings/schedule.ts';
import type { World } from '../ports/world.ts';
import { readAuditHead } from '../repository/audit.ts';
import { listArchives } from '../repository/catalog.ts';
import { listDrills } from '../repository/outcomes/drill-records.ts';
import { listRuns } from '../repository/run-book.ts';
import { readSettings } from '../repository/settings.ts';
import { readRecord, UNCHANGED, update } from '../repository/update.ts';
import { digestChart } from '../slack/digest/chart.ts';
import { digestWords } from '../slack/digest/digest.ts';
import { replyMessage } from '../slack/replies.ts';

const MONDAY_MORNING = '0 8 * * mon';
/** More than one every quarter of an hour. */
const RUNS_A_WEEK = 700;
/** A drill every two hours. */
const DRILLS_READ = 84;

const SentRecord = z.strictObject({
  sentUntil: z.string(),
  /** The Monday whose chart was begun to be shown: a picture cannot be posted under a key, so it is claimed beforehand. */
  chartOf: z.string().optional(),
});

const sentAt = (instance: string) => ({ key: stateKeys.digest(instance), schema: SentRecord });

type DigestWorld = Pick<World, 'state' | 'archives' | 'clock'>;

/** The week of the instance that ends now, and the audit's head. */
export const readDigest = async (
  world: DigestWorld,
  instance: string,
): Promise<{ digest: Digest; auditHead: AuditHead }> => {
  const to = world.clock.now();
  const [runs, manifests, drills, { targetHours, restoreTargetMinutes }, auditHead] = await Promise.all([
    listRuns(world, { instance, limit: RUNS_A_WEEK }),
    manifestsSince(world, instance, weekBefore(to).toISOString()),
    listDrills(world, instance, { limit: DRILLS_READ }),
    readSettings(world, instance),
    readAuditHead(world),
  ]);
  const targets = { targetSeconds: targetHours * 3600, restoreTargetMinutes };
  return { digest: digestOf({ instance, to, runs, manifests, drills, ...targets }), auditHead };
};

/** Sends the digest when a Monday morning has passed since the last one. `channel` as in `tick`. */
export const sendDigest = async (
  world: DigestWorld & Pick<World, 'chat'>,
  { instance, channel: configured }: { instance: string; channel: string | null },
): Promise<void> => {
  const now = world.clock.now();
  const { schedule, tell } = await readSettings(world, instance);
  const at = sentAt(instance);
  const sentUntil = (await readRecord(world.state, at))?.sentUntil ?? now.toISOString();
  const weekly = { schedule: { ...schedule, online: MONDAY_MORNING, quiesced: null }, pause: null };
  const slot = nextSlot(weekly, new Date(sentUntil))?.at ?? null;
  const channel = tell.channel ?? configured;
  const isDue = slot !== null && slot <= now.toISOString();
  if (isDue && channel !== null) await send(world, { instance, channel, slot });
  if (isDue || sentUntil === now.toISOString())
    await update(world.state, at, (sent) => ({ ...sent, sentUntil: now.toISOString() }));
};

const send = async (
  world: DigestWorld & Pick<World, 'chat'>,
  { instance, channel, slot }: { instance: string; channel: string; slot: string },
): Promise<void> => {
  const { digest, auditHead } = await readDigest(world, instance);
  const message = replyMessage(digestWords(digest, auditHead));
  const once = { key: `digest:${instance}:${slot}`, since: slot };
  await world.chat.post({ ...message, channel, once });
  const name = `${instance}-${slot.slice(0, 10)}.png`;
  const title = `A week of ${instance}: one bar per archive, its height its size; red where a run failed`;
  if (!(await claimChart(world, { instance, slot }))) return;
  try {
    await world.chat.shareFile({ channel, name, title, bytes: digestChart(digest) });
  } catch (thrown) {
    // Without an answer nobody knows whether it is there.
    if (!isOctoError(thrown, 'ChatUnavailable')) await releaseChart(world, instance);
    throw thrown;
  }
};

/** False when the chart of this Monday was begun before. */
const claimChart = async (
  world: Pick<World, 'state'>,
  { instance, slot }: { instance: string; slot: string },
): Promise<boolean> => {
  let isMine = false;
  await update(world.state, sentAt(instance), (sent) => {
    isMine = sent !== null && sent.chartOf !== slot;
    return sent !== null && isMine ? { ...sent, chartOf: slot } : UNCHANGED;
  });
  return isMine;
};

/** Slack refused it: it may be tried again. */
const releaseChart = (world: Pick<World, 'state'>, instance: string) =>
  update(world.state, sentAt(instance), (sent) => (sent === null ? UNCHANGED : { sentUntil: sent.sentUntil }));

/** The week's, and older ones down to the first good one. */
const manifestsSince = async (world: DigestWorld, instance: string, from: string): Promise<Manifest[]> => {
  const found: Manifest[] = [];
  for await (const manifest of listArchives(world, instance)) {
    found.push(manifest);
    if (manifest.takenAt < from && manifest.word === 'good') break;
  }
  return found;
};
