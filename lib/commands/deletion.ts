/**
 * `/octo backup delete`: what would go with an archive. Held archives and the last good ones are refused.
 *
 * Data that other archives name stays. Deleting itself takes a second person's decision, which is not asked for here.
 */
import { objectsOnlyIn } from '../archive/pack/shared-objects.ts';
import type { Manifest } from '../domain/archives/archive.ts';
import { OctoError } from '../domain/errors.ts';
import { archiveKeys, isArchiveId } from '../domain/names.ts';
import { columns, type Reply } from '../domain/reply.ts';
import type { World } from '../ports/world.ts';
import { findArchive, listArchives } from '../repository/catalog.ts';
import { damagedNames } from '../repository/damage.ts';
import { readHold } from '../repository/holds.ts';
import { count, size } from '../slack/text.ts';
import { INSTANCE } from './archives.ts';
import { type Command, isPlanOnly, PLAN, type Request } from './grammar/command.ts';
import { instanceNamed } from './grammar/instance.ts';

/** The floor: so many of the newest good archives stay, whatever is asked. */
const KEPT_GOOD = 2;

export const backupDelete: Command = {
  words: ['backup', 'delete'],
  summary: 'What would go with an archive; held ones and the last good ones are refused.',
  positionals: [{ name: 'archive', summary: 'its id, as backup list shows it' }],
  options: { ...INSTANCE, ...PLAN },
  changes: true,
  example: '/octo backup delete arc_20260304T020000Z_7F3K9Q2M --plan',
  perform: async (world, args, request) => {
    const instance = instanceNamed(world, args.options['instance']);
    const archiveId = args.positionals['archive'] ?? '';
    if (!isArchiveId(archiveId))
      throw new OctoError('ArgumentInvalid', `only an archive's id names what is to be deleted, not "${archiveId}"`);
    const manifest = await findArchive(world, instance, archiveId);
    await requireDeletable(world, manifest);
    if (isPlanOnly(args)) return planOf(world, manifest, request);
    throw new OctoError('DeleteNeedsApproval', `nobody has approved that ${archiveId} is deleted`);
  },
};

/** @throws ArchiveHeld, ArchiveNeeded */
const requireDeletable = async (world: World, { instance, archiveId, word }: Manifest): Promise<void> => {
  const hold = await readHold(world, { instance, archiveId });
  if (hold !== null)
    throw new OctoError('ArchiveHeld', `${archiveId} is held by ${hold.by} since ${hold.heldAt}`, {
      facts: { ...hold },
    });
  const damaged = await damagedNames(world, instance);
  if (word !== 'good' || damaged.has(archiveId)) return;
  let newer = 0;
  for await (const other of listArchives(world, instance)) {
    if (other.archiveId === archiveId) break;
    if (other.word === 'good' && !damaged.has(other.archiveId)) newer++;
    if (newer === KEPT_GOOD) return;
  }
  throw new OctoError('ArchiveNeeded', `${archiveId} is one of the ${KEPT_GOOD} newest good archives of ${instance}`);
};

const planOf = async (world: World, manifest: Manifest, { onProgress }: Request): Promise<Reply> => {
  const { instance, archiveId } = manifest;
  const own = await Array.fromAsync(world.archives.list(archiveKeys.archive(instance, archiveId)));
  const only = await objectsOnlyIn(world, manifest, { onProgress: (other) => onProgress?.(`comparing with ${other}`) });
  const ownBytes = own.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const freedBytes = [...only.sizes.values()].reduce((sum, sizeBytes) => sum + sizeBytes, 0);
  return {
    headline: `Deleting ${archiveId} would free ${size(ownBytes + freedBytes)}; nothing was deleted.`,
    lines: [
      ...columns([
        ['archive', `${manifest.word}, taken ${manifest.takenAt}, ${manifest.dump.consistency}`],
        ['its own', `${count(own.length, 'object')}, ${size(ownBytes)}: manifest, sections, host.json, restore guide`],
        ['its data', `${count(only.sizes.size, 'object')}, ${size(freedBytes)}, that no other archive names`],
      ]),
      ...only.unreadable.map((key) => `Cannot be read, so whatever it names would be kept: ${key}`),
    ],
    json: {
      archive: archiveId,
      word: manifest.word,
      own: { objects: own.length, bytes: ownBytes },
      data: { objects: only.sizes.size, bytes: freedBytes },
      unreadable: only.unreadable,
    },
  };
};
