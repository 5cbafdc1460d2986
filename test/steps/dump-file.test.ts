import { expect, test } from 'vitest';
import { joinAsWritten } from '../../lib/domain/instance.ts';
import type { World } from '../../lib/ports/world.ts';
import { dumpFile } from '../../lib/steps/parts/dump-file.ts';

test.each([
  ['C:\\Backups', 'C:\\Backups\\x.bak'],
  ['C:/Backups', 'C:/Backups\\x.bak'],
  ['\\\\nas\\octopus\\', '\\\\nas\\octopus\\x.bak'],
  ['/var/opt/mssql/backup', '/var/opt/mssql/backup/x.bak'],
  ['/backup/', '/backup/x.bak'],
])('a file in %s is %s', (folder, path) => {
  expect(joinAsWritten(folder, 'x.bak')).toBe(path);
});

test('a dump is named from its run, as each side sees the share', () => {
  const database = { name: 'Octopus', share: { sqlServerPath: '\\\\nas\\backup', workerPath: '/mnt/backup' } };
  const world = { instance: () => ({ database }) } as unknown as World;
  expect(dumpFile(world, { id: 'run_7F3K9Q2M', instance: 'prod' })).toEqual({
    database: 'Octopus',
    name: 'octo-run_7F3K9Q2M',
    sqlServerPath: '\\\\nas\\backup\\octo-prod-run_7F3K9Q2M.bak',
    workerPath: '/mnt/backup/octo-prod-run_7F3K9Q2M.bak',
  });
});
