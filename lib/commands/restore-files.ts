/**
 * `/octo restore <archive> only:file`: single files of an archive, or all of it, copied to a folder on the worker's host.
 *
 * A copy elsewhere changes no server, so nobody has to approve it; into the folders of a server it is refused.
 */
import { join } from 'node:path';
import { extractAll, extractMatching } from '../archive/extract.ts';
import { folderInUse } from '../archive/restore/server-folders.ts';
import { OctoError } from '../domain/errors.ts';
import { requirement } from '../domain/runs/approval-policy.ts';
import type { World } from '../ports/world.ts';
import { findArchive } from '../repository/catalog.ts';
import { size } from '../slack/text.ts';
import { ARCHIVE, INSTANCE } from './archives.ts';
import type { Command, Request } from './grammar/command.ts';
import { instanceNamed } from './grammar/instance.ts';

export const restoreFiles: Command = {
  words: ['restore'],
  mark: 'only:file',
  summary: 'Copy files of an archive to a folder of their own; no server is touched.',
  positionals: [ARCHIVE],
  options: {
    only: { summary: 'this verb is about single files', values: ['file'] },
    path: { summary: 'a file, a folder or a pattern (*, ?, **), e.g. task-logs/**; everything where left out' },
    out: { summary: 'an empty or new folder on the host of the worker' },
    ...INSTANCE,
  },
  changes: true,
  example: '/octo restore latest only:file path:packages/**/Payments.4.1.0.nupkg out:/tmp/payments',
  perform: async (world, { positionals, options }, request) => {
    const instance = instanceNamed(world, options['instance']);
    requireAllowed(world, instance, request);
    const { archiveId } = await findArchive(world, instance, positionals['archive'] ?? 'latest');
    const target = await freeFolder(world, options['out']);
    let bytes = 0;
    const onRead = (more: number): void => request.onProgress?.(`${archiveId}: ${size((bytes += more))} read`);
    const reading = { target, signal: request.signal, onRead };
    const at = { instance, archiveId };
    const pattern = options['path'];
    const found = await (pattern === undefined
      ? extractAll(world, at, reading)
      : extractMatching(world, at, { ...reading, pattern }));
    const files = found.fileCount === 1 ? '1 file' : `${found.fileCount} files`;
    return {
      headline: `${files} of ${archiveId}, ${size(found.sizeBytes)}, copied to ${target}.`,
      lines: [
        'Each was compared with its SHA-256. They belong to the account of the worker; the server was not touched.',
      ],
      json: { instance, archive: archiveId, path: pattern ?? null, out: target, ...found },
    };
  },
};

/** @throws RequestNotAllowed when the policy denies this person restores of the instance */
const requireAllowed = (world: World, instance: string, { by }: Request): void => {
  const verdict = requirement(world.policy, { verb: 'restore', instance: world.instance(instance), by });
  if (verdict.kind === 'denied')
    throw new OctoError('RequestNotAllowed', `${by.person} may not ask for a restore of ${instance}`);
};

/** @throws ArgumentInvalid, ServerFolderRefused */
const freeFolder = async (world: World, out: string | undefined): Promise<string> => {
  if (out === undefined || !/^(?:[\\/]|[A-Za-z]:[\\/])/.test(out))
    throw new OctoError(
      'ArgumentInvalid',
      `out: names a whole path on the host of the worker. Example: ${restoreFiles.example}`,
    );
  const used = await folderInUse(world, out);
  if (used === null) return join(out);
  throw new OctoError('ServerFolderRefused', `${out} touches ${used}, which is in use`, { facts: { out, used } });
};
