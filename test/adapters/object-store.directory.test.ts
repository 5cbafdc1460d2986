import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { storeErrorOf } from '../../lib/adapters/directory/durable-folder.ts';
import { directoryObjectStore } from '../../lib/adapters/object-store.directory.ts';
import { objectStoreContract } from '../contracts/object-store.ts';

const SCRIPT = fileURLToPath(new URL('directory-writer.ts', import.meta.url));

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'octo-store-'));
});
afterEach(() => rm(directory, { recursive: true }));

const open = () => directoryObjectStore({ directory });

objectStoreContract('directory', async () => open());

describe('the directory', () => {
  test('keeps an object where its key says, byte for byte', async () => {
    await open().create('prod/archives/arc_1/RESTORE.md', Buffer.from('read me'));
    expect(await readFile(join(directory, 'prod/archives/arc_1/RESTORE.md'), 'utf8')).toBe('read me');
  });

  test('tells of each durable write, and of no other', async () => {
    const written: string[] = [];
    const store = directoryObjectStore({ directory, onWrite: (key) => written.push(key) });
    const { etag } = await store.create('a', Buffer.from('1'));
    await store.create('a', Buffer.from('2')).catch(() => undefined);
    await store.change('a', Buffer.from('3'), { etag });
    await store.change('a', Buffer.from('4'), { etag }).catch(() => undefined);
    expect(written).toEqual(['a', 'a']);
  });

  test('sweeps what a kill left behind, once nobody has written to it for an hour', async () => {
    const temporary = join(directory, '.octo', 'temporary');
    await mkdir(temporary, { recursive: true });
    await writeFile(join(temporary, 'old'), 'half');
    await writeFile(join(temporary, 'young'), 'half');
    const twoHoursAgo = Date.now() / 1000 - 7200;
    await utimes(join(temporary, 'old'), twoHoursAgo, twoHoursAgo);
    await open().create('a', Buffer.from('1'));
    expect(await readdir(temporary)).toEqual(['young']);
    expect(await Array.fromAsync(open().list(''), ({ key }) => key)).toEqual(['a']);
  });

  test('is read without being written to', async () => {
    const copy = directoryObjectStore({ directory: join(directory, 'copy') });
    expect(await copy.read('a')).toBeNull();
    expect(await Array.fromAsync(copy.list(''))).toEqual([]);
    expect(await readdir(directory)).toEqual([]);
  });

  test('leaves foreign files alone and does not list them', async () => {
    await open().create('a', Buffer.from('1'));
    await writeFile(join(directory, 'Thumbs file'), '');
    await writeFile(join(directory, '.DS_Store'), '');
    expect(await Array.fromAsync(open().list(''), ({ key }) => key)).toEqual(['a']);
  });

  test('a key that is a folder of other keys, or below an object, is refused', async () => {
    await open().create('a/b', Buffer.from('1'));
    await expect(open().create('a', Buffer.from('2'))).rejects.toMatchObject({ code: 'StoreKeyRefused' });
    await expect(open().create('a/b/c', Buffer.from('2'))).rejects.toMatchObject({ code: 'StoreKeyRefused' });
  });

  test('where letter case is folded, a key never answers for another', async () => {
    // Links make this file system look like one that folds `.octo`, `A` and `Folder`.
    await open().create('A', Buffer.from('1'));
    await open().create('Folder/x', Buffer.from('1'));
    await symlink('.octo', join(directory, '.OCTO'));
    await symlink('A', join(directory, 'a'));
    await symlink('Folder', join(directory, 'folder'));
    for (const key of ['a', 'folder/x', 'folder/new']) {
      await expect(open().read(key)).rejects.toMatchObject({ code: 'StoreKeyRefused' });
      await expect(open().create(key, Buffer.from('2'))).rejects.toMatchObject({ code: 'StoreKeyRefused' });
    }
    expect((await open().read('A'))?.bytes.toString()).toBe('1');
    await open().create('Folder/new', Buffer.from('2'));
  });

  test.skipIf(process.getuid?.() === 0)('a directory without rights is denied', async () => {
    await chmod(directory, 0o500);
    await expect(open().create('a', Buffer.from('1'))).rejects.toMatchObject({ code: 'StoreDenied' });
  });

  test.each([
    ['ENOSPC', 'StoreFull'],
    ['EDQUOT', 'StoreFull'],
    ['EACCES', 'StoreDenied'],
    ['EROFS', 'StoreDenied'],
    ['ENAMETOOLONG', 'StoreKeyRefused'],
    ['EIO', 'StoreUnavailable'],
    ['EMFILE', 'StoreUnavailable'],
  ])('%s means %s', (errno, code) => {
    const error = Object.assign(new Error('no'), { code: errno });
    expect(storeErrorOf(error, 'create of "a"')).toMatchObject({ code, facts: { errno }, cause: error });
  });
});

test.skipIf(process.platform === 'win32')('a disk that takes no more is full, and keeps nothing half', () => {
  const limited = `ulimit -f 16; "${process.execPath}" "${SCRIPT}" fill "${directory}" large 1`;
  expect(execFileSync('sh', ['-c', limited], { encoding: 'utf8' })).toBe('StoreFull\n');
  expect(execFileSync(process.execPath, [SCRIPT, 'fill', directory, 's', '1'], { encoding: 'utf8' })).toBe('stored\n');
});

describe('processes', () => {
  const children: ChildProcess[] = [];
  afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')));

  /** Starts a writer; `enough` decides, after each acknowledged line, whether it is killed. */
  const writer = async (args: string[], enough: (lines: string[]) => boolean = () => false): Promise<string[]> => {
    const [what = '', ...rest] = args;
    const child = spawn(process.execPath, [SCRIPT, what, directory, ...rest], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    const ended = once(child, 'close');
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      if (enough(lines)) child.kill('SIGKILL');
    }
    await ended;
    return lines;
  };

  test('killed while creating: what was acknowledged is there, and nothing half', async () => {
    const acknowledged: string[] = [];
    for (const [round, count] of [3, 11, 23, 40].entries()) {
      acknowledged.push(...(await writer(['create', `round${round}`, '100000'], (lines) => lines.length >= count)));
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(77);
    const listed = new Map(await Array.fromAsync(open().list(''), ({ key, sizeBytes }) => [key, sizeBytes]));
    for (const key of acknowledged) expect(listed.get(key)).toBe(key.length * 1_000);
    for (const [key] of listed) expect((await open().read(key))?.bytes.toString()).toBe(key.repeat(1_000));
  });

  test('killed while changing: no change is lost, and no lock is left behind', async () => {
    let count = 0;
    for (const more of [2, 9, 17]) {
      const lines = await writer(['raise', '-', '100000'], (all) => all.length >= more);
      expect(lines.length).toBeGreaterThanOrEqual(more);
      // The first of a round shows whether the last of the one before, not acknowledged, had happened.
      expect([count + 1, count + 2]).toContain(Number(lines[0]));
      count = Number(lines.at(-1));
    }
    const [next = ''] = await writer(['raise', '-', '1']);
    expect([count + 1, count + 2]).toContain(Number(next));
  });

  test('three that raise one count lose none', async () => {
    const lines = await Promise.all(['a', 'b', 'c'].map((name) => writer(['raise', name, '15'])));
    const seen = lines.flat().map(Number);
    expect(new Set(seen).size).toBe(45);
    expect(Math.max(...seen)).toBe(45);
  });

  test('of three that create the same keys, one wins each', async () => {
    const lines = await Promise.all(['a', 'b', 'c'].map((name) => writer(['race', name, '60'])));
    const winners = new Map(lines.flat().map((line) => line.split(' ') as [string, string]));
    expect(lines.flat()).toHaveLength(60);
    for (const [at, name] of winners) expect((await open().read(`race/${at}`))?.bytes.toString()).toBe(name);
  });
});
