/**
 * `octo restore --from`: takes an archive apart with nothing but its store. No configuration, no engine, no catalog and no
 * Slack: this is the door for the day when the machine of the bot is gone.
 *
 * It writes the files and the dump into an empty folder and says what to do with them; the server itself is put back by
 * hand, as the archive's own RESTORE.md says.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../lib/adapters/clock.system.ts';
import { extractAll } from '../../lib/archive/extract.ts';
import { NEXT_STEPS } from '../../lib/archive/restore-guide.ts';
import { objectStore } from '../../lib/compose.ts';
import type { StoreConfig } from '../../lib/config.ts';
import type { Manifest } from '../../lib/domain/archives/archive.ts';
import { OctoError } from '../../lib/domain/errors.ts';
import { archiveKeys } from '../../lib/domain/names.ts';
import { columns } from '../../lib/domain/reply.ts';
import type { ObjectStore } from '../../lib/ports/object-store.ts';
import { findArchive } from '../../lib/repository/catalog.ts';
import { size } from '../../lib/slack/text.ts';
import { EXIT_CODES } from './exit-code.ts';

export const RESTORE_FROM_USAGE =
  'restore --from <directory or s3://bucket/prefix> --instance <name> --out <folder> [--archive <id or latest>]';

/** Is this command line, after `restore`, one that goes by a store instead of a configuration? */
export const isRestoreFrom = (words: readonly string[]): boolean =>
  words.some((word) => /^--from(?:=|$)/.test(word)) && !words.includes('to');

type Print = { out: (lines: string[]) => void; progress: (line: string) => void };

/** Carries it out and answers the exit status: that of the archive's own word, so that gaps do not pass for good. */
export const restoreFrom = async (words: readonly string[], print: Print): Promise<number> => {
  const { from, archive, instance, out } = optionsIn(words);
  const archives = await objectStore(storeAt(from));
  const world = { archives, clock: systemClock };
  const manifest = await findArchive(world, instance, archive);
  const at = { instance, archiveId: manifest.archiveId };
  print.progress(`${at.archiveId} of ${instance}, ${manifest.word}, taken ${manifest.takenAt}`);
  let bytes = 0;
  let told = 0;
  const onRead = (more: number): void => {
    bytes += more;
    if (bytes < told + TELL_EVERY_BYTES) return;
    told = bytes;
    print.progress(`${size(bytes)} read`);
  };
  const { fileCount, sizeBytes } = await extractAll(world, at, { target: out, onRead });
  const guide = await copyBeside(archives, manifest, out);
  print.out([
    `${fileCount} files, ${size(sizeBytes)}, are in ${resolve(out)}; each was compared with its SHA-256.`,
    ...columns(manifest.folders.places.map(({ name, path }) => [`  ${name}/`, `was at ${path}`])),
    ...manifest.gaps.map((gap) => `This archive has a gap: ${gap}`),
    ...(manifest.unusual ?? []).map((line) => `This archive is unusual: ${line}`),
    '',
    ...guide.slice(guide.indexOf(NEXT_STEPS)).trimEnd().split('\n'),
  ]);
  return EXIT_CODES[manifest.word];
};

const TELL_EVERY_BYTES = 256e6;

const optionsIn = (words: readonly string[]) => {
  try {
    const { from, archive, instance, out } = parseArgs({
      args: [...words],
      options: {
        from: { type: 'string' },
        archive: { type: 'string', default: 'latest' },
        instance: { type: 'string' },
        out: { type: 'string' },
      },
    }).values;
    if (from && instance && out) return { from, archive, instance, out };
    const missing = Object.entries({ from, instance, out }).filter(([, value]) => !value);
    throw new Error(`${missing.map(([name]) => `--${name}`).join(' and ')} is missing`);
  } catch (cause) {
    throw new OctoError('ArgumentInvalid', `${(cause as Error).message}. Usage: octo ${RESTORE_FROM_USAGE}`, { cause });
  }
};

/** Region and credentials are the AWS SDK's own, from environment and profile; so is another endpoint than Amazon's. */
const storeAt = (from: string): StoreConfig => {
  const [, bucket, path = ''] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(from) ?? [];
  if (bucket !== undefined) {
    const endpoint = process.env['AWS_ENDPOINT_URL_S3'] ?? process.env['AWS_ENDPOINT_URL'];
    const prefix = path.replace(/\/*$/, path === '' ? '' : '/');
    return { bucket, prefix, ...(endpoint === undefined ? {} : { endpoint }) };
  }
  if (existsSync(from)) return { directory: resolve(from) };
  throw new OctoError('ArgumentInvalid', `there is no folder ${resolve(from)}. Usage: octo ${RESTORE_FROM_USAGE}`);
};

/** What lies beside the manifest goes beside the files; the text of its RESTORE.md. All of it was compared already. */
const copyBeside = async (archives: ObjectStore, manifest: Manifest, out: string): Promise<string> => {
  const { instance, archiveId, files } = manifest;
  let guide = '';
  for (const name of Object.keys(files).toSorted()) {
    if (name === 'restore.sh') continue;
    const { bytes } = (await archives.read(archiveKeys.file(instance, archiveId, name)))!;
    writeFileSync(join(out, name), bytes, { flag: 'wx' });
    if (name === 'RESTORE.md') guide = bytes.toString();
  }
  writeFileSync(join(out, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`, { flag: 'wx' });
  return guide;
};
