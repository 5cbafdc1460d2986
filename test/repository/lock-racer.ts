/**
 * One of several processes that want the same lock: takes it, writes its fence down, gives it back, until it had its turns.
 * Called with the directory, its own run id and the number of turns.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isOctoError } from '../../lib/domain/errors.ts';
import { releaseLock, takeLock } from '../../lib/repository/lease/lock.ts';
import { systemClock } from '../../lib/adapters/clock.system.ts';
import { directoryObjectStore } from '../../lib/adapters/object-store.directory.ts';
import { createRun } from '../../lib/repository/run-book.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';

const [directory = '', id = '', turns = '1'] = process.argv.slice(2);
const world = { state: directoryObjectStore({ directory: join(directory, 'state') }), clock: systemClock };
const run = await createRun(world, {
  id,
  workflow: 'backup',
  instance: 'prod',
  requestedAt: new Date().toISOString(),
  requestedBy: { door: 'terminal', person: 'ana', channel: null },
  reason: null,
  options: {},
  archiveId: null,
  status: 'running',
  endedAt: null,
  outcome: null,
} satisfies RunRecord);

for (let had = 0; had < Number(turns);) {
  try {
    const { fence } = await takeLock(world, run);
    appendFileSync(join(directory, 'turns'), `in ${id} ${fence}\n`);
    await sleep(1);
    appendFileSync(join(directory, 'turns'), `out ${id} ${fence}\n`);
    await releaseLock(world, run);
    had++;
  } catch (error) {
    if (!isOctoError(error, 'LockHeld')) throw error;
    await sleep(2);
  }
}
