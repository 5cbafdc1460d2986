/**
 * Writes the files a history lists: packages that are valid zip files and do not compress, logs and event exports that do.
 * Each file's content follows from its path and the seed alone.
 */
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Random } from '../data/random.ts';
import type { PlannedFile } from './history.ts';
import type { FolderKey } from './settings.ts';
import { zipOf } from '../data/zip.ts';

/** Files written at a time: enough to keep a disk busy, few enough to keep memory small. */
const AT_A_TIME = 16;

const LOG_LINES = [
  'Info     |   Acquiring packages',
  'Verbose  |   Package was found in cache. No need to download. Using file from /cache/feeds-builtin',
  'Info     |   Step 1: Deploy package',
  'Verbose  |   Calamari.FullFrameWork, version 28.4.1, starts with variables from the sensitive file',
  'Verbose  |   Performing variable substitution on appsettings.json',
  'Info     |   Copying package contents to the custom installation folder',
  'Verbose  |   Retrieved status of 4 deployment targets in this environment',
  'Warning  |   The certificate of this target is valid for less than 90 days',
  'Info     |   Step 2: Run health probe',
  'Verbose  |   HTTP GET /health answered 200 OK',
] as const;

/** Writes every file below its folder; `folders` gives each folder's place. */
export const writeFiles = async (
  random: Random,
  folders: Readonly<Record<FolderKey, string>>,
  files: readonly PlannedFile[],
): Promise<void> => {
  const made = new Map<string, Promise<unknown>>();
  for (let index = 0; index < files.length; index += AT_A_TIME) {
    await Promise.all(
      files.slice(index, index + AT_A_TIME).map(async (file) => {
        const path = join(folders[file.folder], ...file.path.split('/'));
        const parent = dirname(path);
        if (!made.has(parent)) made.set(parent, mkdir(parent, { recursive: true }));
        await made.get(parent);
        await writeFile(path, contentOf(random.branch(file.path), file));
        await utimes(path, file.at, file.at);
      }),
    );
  }
};

const contentOf = (random: Random, file: PlannedFile): Buffer => {
  if (file.content === 'package') return packageOf(random, file);
  if (file.content === 'binary') return random.bytes(file.sizeBytes);
  return file.content === 'log' ? taskLog(random, file) : eventExport(random, file);
};

const packageOf = (random: Random, file: PlannedFile): Buffer => {
  const [id = '', version = ''] = file.title.split(' ');
  const nuspec = `<?xml version="1.0"?>\n<package><metadata><id>${id}</id><version>${version}</version></metadata></package>\n`;
  const around = (assembly: Buffer): Buffer =>
    zipOf([
      { name: `${id}.nuspec`, bytes: Buffer.from(nuspec) },
      { name: `lib/net8.0/${id}.dll`, bytes: assembly },
    ]);
  const wrappingBytes = around(Buffer.alloc(0)).length;
  return around(random.bytes(Math.max(0, file.sizeBytes - wrappingBytes)));
};

const taskLog = (random: Random, file: PlannedFile): Buffer => {
  const lines = [`Task log of: ${file.title}`];
  let length = 0;
  let atMs = file.at.getTime();
  while (length < file.sizeBytes) {
    atMs += random.int(3, 900);
    const line = `${new Date(atMs).toISOString()} ${random.pick(LOG_LINES)} [${random.int(1000, 99_999)}]`;
    lines.push(line);
    length += line.length + 1;
  }
  return Buffer.from(`${lines.join('\n')}\n`);
};

const eventExport = (random: Random, file: PlannedFile): Buffer => {
  const lines: string[] = [];
  let length = 0;
  for (let number = 1; length < file.sizeBytes; number += 1) {
    const event = { AutoId: number, Category: 'Modified', Occurred: file.at, UserId: `Users-${random.int(4, 10)}` };
    const line = JSON.stringify({ ...event, Message: `Variable set ${random.word(8)} was changed` });
    lines.push(line);
    length += line.length + 1;
  }
  return Buffer.from(`${lines.join('\n')}\n`);
};
