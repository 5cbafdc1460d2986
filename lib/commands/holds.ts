/** `/octo backup hold|release`: keeps an archive from ever being deleted, and gives it free again. */
import { findArchive } from '../repository/catalog.ts';
import { holdArchive, readHold, releaseArchive } from '../repository/holds.ts';
import { utcTime } from '../slack/text.ts';
import { ARCHIVE, INSTANCE } from './archives.ts';
import type { Command } from './grammar/command.ts';
import { instanceNamed } from './grammar/instance.ts';

export const backupHold: Command = {
  words: ['backup', 'hold'],
  summary: 'Keep an archive until it is released: nothing deletes it.',
  positionals: [ARCHIVE],
  options: { reason: { summary: 'why, kept with the hold' }, ...INSTANCE },
  changes: true,
  example: '/octo backup hold latest reason:"audit of March"',
  perform: async (world, { positionals, options }, { by }) => {
    const instance = instanceNamed(world, options['instance']);
    const { archiveId } = await findArchive(world, instance, positionals['archive'] ?? 'latest');
    const asked = { by: by.person, reason: options['reason'] ?? null, heldAt: world.clock.now().toISOString() };
    const hold = await holdArchive(world, { instance, archiveId }, asked);
    const isOurs = hold === asked;
    return {
      headline: isOurs
        ? `${archiveId} is held: it stays until somebody releases it.`
        : `${archiveId} is held already, by ${hold.by} since ${utcTime(hold.heldAt)}.`,
      lines: isOurs || hold.reason === null ? [] : [`Reason: ${hold.reason}`],
      json: { archive: archiveId, instance, ...hold },
    };
  },
};

export const backupRelease: Command = {
  words: ['backup', 'release'],
  summary: 'Let go of a held archive: it may be deleted again.',
  positionals: [ARCHIVE],
  options: { reason: { summary: 'why, kept in the audit' }, ...INSTANCE },
  changes: true,
  isForKnown: true,
  example: '/octo backup release latest',
  perform: async (world, { positionals, options }) => {
    const instance = instanceNamed(world, options['instance']);
    const { archiveId } = await findArchive(world, instance, positionals['archive'] ?? 'latest');
    const place = { instance, archiveId };
    const hold = await readHold(world, place);
    await releaseArchive(world, place);
    return {
      headline:
        hold === null
          ? `${archiveId} was not held.`
          : `${archiveId} is released: ${hold.by} had held it since ${utcTime(hold.heldAt)}.`,
      lines: [],
      json: { archive: archiveId, instance, released: hold },
    };
  },
};
