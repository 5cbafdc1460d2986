/** One of several processes that write to the same audit. Called with the directory, a name and the number of entries. */
import { systemClock } from '../../lib/adapters/clock.system.ts';
import { directoryObjectStore } from '../../lib/adapters/object-store.directory.ts';
import { appendAudit } from '../../lib/repository/audit.ts';

const [directory = '', person = '', entries = '1'] = process.argv.slice(2);
const world = { state: directoryObjectStore({ directory }), clock: systemClock };

for (let n = 1; n <= Number(entries); n++) {
  const who = { person, door: 'terminal' } as const;
  await appendAudit(world, { who, act: 'race', stage: 'done', on: null, detail: { n } });
}
