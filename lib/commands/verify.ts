/**
 * `/octo backup verify`: is every byte of an archive still right? What is damaged is marked; what was marked and is right
 * again, since somebody has put it right, is not marked any more.
 */
import { sharedObjects } from '../archive/pack/shared-objects.ts';
import { type Verification, verifyArchive } from '../archive/verify.ts';
import type { Manifest } from '../domain/archives/archive.ts';
import { contentNameOf, runIdOf } from '../domain/names.ts';
import type { World } from '../ports/world.ts';
import { findArchive } from '../repository/catalog.ts';
import { damagedNames, liftDamage, markDamaged } from '../repository/damage.ts';
import { holdForReading, releaseReading } from '../repository/store-care/reader-holds.ts';
import { count, duration, size } from '../slack/text.ts';
import { ARCHIVE, INSTANCE } from './archives.ts';
import type { Command, Request } from './grammar/command.ts';
import { instanceNamed } from './grammar/instance.ts';

/** No archive takes longer; nothing deletes it meanwhile. */
const HOLD_HOURS = 48;

export const backupVerify: Command = {
  words: ['backup', 'verify'],
  summary: 'Read an archive again, every byte, and name whatever is damaged.',
  positionals: [ARCHIVE],
  options: INSTANCE,
  example: '/octo backup verify latest',
  perform: async (world, { positionals, options }, request) => {
    const instance = instanceNamed(world, options['instance']);
    const manifest = await findArchive(world, instance, positionals['archive'] ?? 'latest');
    const { archiveId } = manifest;
    const startedAt = world.clock.now();
    const found = await verifyHeld(world, manifest, request);
    const seconds = (world.clock.now().getTime() - startedAt.getTime()) / 1000;
    await markDamaged(world, instance, found.damaged);
    const lifted = await liftRight(world, manifest, found);
    return {
      headline:
        found.damaged.length === 0
          ? `${archiveId} is whole: every byte was read again and is right.`
          : `${archiveId} is DAMAGED: ${count(found.damaged.length, 'object')}.`,
      lines: [
        `Read in ${duration(seconds)}.`,
        ...found.damaged.map(({ key, what, archives }) => `${key}: ${what}; part of ${archives.join(', ')}`),
        ...(found.damaged.length === 0
          ? []
          : ['Marked: these archives no longer count as good, and the next backup stores what is damaged anew.']),
        ...(lifted.length === 0
          ? []
          : [
              `${count(lifted.length, 'mark')} of damage lifted: it is right again. Verify the other DAMAGED archives too.`,
            ]),
      ],
      json: { archive: archiveId, ...found, lifted },
      isBad: found.damaged.length > 0,
    };
  },
};

const verifyHeld = async (
  world: World,
  { instance, archiveId }: Manifest,
  { requestKey, signal, onProgress }: Request,
): Promise<Verification> => {
  const at = { instance, archiveId };
  const runId = runIdOf(requestKey);
  await holdForReading(world, at, { runId, hours: HOLD_HOURS });
  try {
    return await verifyArchive(world, at, {
      signal,
      onProgress: ({ bytes, ofBytes }) => onProgress?.(`${archiveId}: ${size(bytes)} of ${size(ofBytes)} read`),
    });
  } finally {
    await releaseReading(world, at, runId);
  }
};

/** Names of the marks that are gone now: of every object that is right, and of the archive when all of it is. */
const liftRight = async (world: World, manifest: Manifest, { damaged }: Verification): Promise<string[]> => {
  const { instance, archiveId } = manifest;
  const marked = await damagedNames(world, instance);
  if (marked.size === 0) return [];
  const wrong = new Set(damaged.map(({ key }) => key));
  const right = [...(await sharedObjects(world, manifest)).sizes.keys()].filter((key) => !wrong.has(key));
  const names = right.flatMap((key) => contentNameOf(instance, key) ?? []);
  const lifted = [...names, ...(damaged.length === 0 ? [archiveId] : [])].filter((name) => marked.has(name));
  await liftDamage(world, instance, lifted);
  return lifted;
};
