/**
 * `/octo backup delete`: asks for a run that deletes one archive, which by default somebody else has to approve; with
 * `--plan` what would go with it. Held archives, those that are read or locked, and the last good ones are refused at once.
 */
import { objectsOnlyIn } from '../archive/pack/shared-objects.ts';
import type { Manifest } from '../domain/archives/archive.ts';
import { OctoError } from '../domain/errors.ts';
import { archiveKeys, isArchiveId } from '../domain/names.ts';
import { columns, type Reply } from '../domain/reply.ts';
import type { World } from '../ports/world.ts';
import { findArchive } from '../repository/catalog.ts';
import { requireDeletable } from '../repository/store-care/deletable.ts';
import { requestRun } from '../runs/request.ts';
import { count, size, utcTime } from '../slack/text.ts';
import { INSTANCE } from './archives.ts';
import { type Arguments, type Command, isPlanOnly, PLAN, type Request } from './grammar/command.ts';
import { instanceNamed } from './grammar/instance.ts';

export const backupDelete: Command = {
  words: ['backup', 'delete'],
  summary: 'Delete an archive, once somebody else has approved; held ones and the last good ones are refused.',
  positionals: [{ name: 'archive', summary: 'its id, as backup list shows it' }],
  options: { reason: { summary: 'why, shown to whoever approves' }, ...INSTANCE, ...PLAN },
  startsRun: true,
  changes: true,
  example: '/octo backup delete arc_20260304T020000Z_7F3K9Q2M reason:"taken by mistake"',
  perform: async (world, args, request) => {
    const instance = instanceNamed(world, args.options['instance']);
    const archiveId = args.positionals['archive'] ?? '';
    if (!isArchiveId(archiveId))
      throw new OctoError('ArgumentInvalid', `only an archive's id names what is to be deleted, not "${archiveId}"`);
    const manifest = await findArchive(world, instance, archiveId);
    await requireDeletable(world, { instance, archiveId });
    return isPlanOnly(args) ? planOf(world, manifest, request) : requested(world, manifest, { args, request });
  },
};

const requested = async (
  world: World,
  { instance, archiveId, word, takenAt }: Manifest,
  { args, request }: { args: Arguments; request: Request },
): Promise<Reply> => {
  const { by, requestKey } = request;
  const { run, isJoined } = await requestRun(world, {
    workflow: 'delete',
    instance,
    by,
    requestKey,
    reason: args.options['reason'] ?? null,
    options: { archive: archiveId },
  });
  return {
    headline: isJoined
      ? `${run.requestedBy.person} has asked for that already: ${run.id}.`
      : `Asked for: ${run.id} deletes ${archiveId} of ${instance} (${word}, taken ${utcTime(takenAt)}).`,
    lines: [
      ...(run.approval === undefined ? [] : ['It waits for approval. Nothing is deleted before that.']),
      `What only this archive needs goes from the store some three days later. Until it is deleted: /octo cancel ${run.id}`,
    ],
    json: { run: run.id, instance, archive: archiveId, joined: isJoined },
    runId: run.id,
  };
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
        ['archive', `${manifest.word}, taken ${utcTime(manifest.takenAt)}, ${manifest.dump.consistency}`],
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
