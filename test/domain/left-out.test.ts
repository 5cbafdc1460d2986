/** Folders that are left out: by whom, what that makes of the archive, and what it is compared with. */
import { describe, expect, it } from 'vitest';
import { chooseFolders, gapsOfLeftOut, notesOnLeftOut } from '../../lib/domain/archives/left-out.ts';
import { deviations } from '../../lib/domain/archives/shape.ts';
import { foldersText, parseFolders } from '../../lib/domain/settings/fields/folders-field.ts';
import { manifestOf } from '../archive/fixtures.ts';

const FOLDERS = ['packages', 'artifacts', 'task-logs'].map((name) => ({ name, path: `/octopus/${name}` }));
const left = (setting: string[] | null, asked?: string[] | null) =>
  chooseFolders(FOLDERS, { setting, asked }).leftOut.map(({ name, by }) => `${name} by ${by}`);

describe('which folders are taken', () => {
  it('all of them, or those of the settings, or those of the request', () => {
    expect(left(null)).toEqual([]);
    expect(left(['packages'])).toEqual(['artifacts by settings', 'task-logs by settings']);
    expect(left(['packages'], null)).toEqual([]);
    expect(left(null, [])).toEqual(['packages by request', 'artifacts by request', 'task-logs by request']);
    expect(left(['packages'], ['artifacts'])).toEqual(['packages by request', 'task-logs by settings']);
    expect(chooseFolders(FOLDERS, { setting: [], asked: ['artifacts'] }).taken).toEqual([FOLDERS[1]]);
  });

  it('only what the request alone left out is a gap', () => {
    const { leftOut } = chooseFolders(FOLDERS, { setting: ['packages', 'artifacts'], asked: ['artifacts'] });
    expect(gapsOfLeftOut(leftOut)).toEqual(['left out, as it was asked for: packages']);
    expect(notesOnLeftOut(leftOut)).toEqual([
      'left out, as the settings say: task-logs',
      'not compared with the database, since left out: packages',
    ]);
    expect([...gapsOfLeftOut(undefined), ...notesOnLeftOut(undefined)]).toEqual([]);
  });

  it.each(['all', 'none', 'packages,artifacts'])('%s is read and shown alike', (text) => {
    expect(foldersText(parseFolders(` ${text.toUpperCase()} `))).toBe(text);
  });

  it.each([
    '',
    'packages,none',
    '../etc',
    'x'.repeat(41),
    Array.from({ length: 30 }, (_, n) => `folder-${n}`).join(','),
  ])('"%s" is refused', (text) => {
    expect(() => parseFolders(text)).toThrow(expect.objectContaining({ code: 'SettingInvalid' }));
  });
});

describe('the shape of an archive', () => {
  const whole = manifestOf({ archiveId: 'arc_20260304T020000Z_7F3K9Q2M', word: 'good' });
  const place = (name: string, sizeBytes: number) => ({ name, path: `/${name}`, fileCount: 10, sizeBytes });
  const folders = (names: string[], leftOut: string[] = []) => ({
    ...whole.folders,
    places: names.map((name) => place(name, 1000)),
    sizeBytes: names.length * 1000,
    fileCount: names.length * 10,
    ...(leftOut.length === 0 ? {} : { leftOut: leftOut.map((name) => ({ name, path: '/', by: 'settings' as const })) }),
  });
  const tolerance = { shrinkPercent: 10, growthPercent: 100 };
  const compare = (now: ReturnType<typeof folders>, last: ReturnType<typeof folders>) =>
    deviations({ ...whole, folders: now }, { ...whole, folders: last }, tolerance);

  it('is compared where both archives have it', () => {
    expect(compare(folders(['packages'], ['artifacts']), folders(['packages', 'artifacts']))).toEqual([]);
    expect(compare(folders(['packages', 'artifacts']), folders([], ['packages', 'artifacts']))).toEqual([]);
    expect(compare(folders(['packages']), folders(['packages', 'artifacts']))).toHaveLength(2);
  });
});
