/**
 * Performs one step in a process of its own, to be killed: everything it needs stands as JSON in `OCTO_STEP`. Its store
 * takes no dump: whoever stores one says so on standard output and waits for ever.
 */
import { join } from 'node:path';
import { systemClock } from '../../lib/adapters/clock.system.ts';
import { directoryObjectStore } from '../../lib/adapters/object-store.directory.ts';
import { sqlServerTds } from '../../lib/adapters/sql-server.tds.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import type { World } from '../../lib/ports/world.ts';
import { loadStep } from '../../lib/steps/index.ts';

export type StepOrder = { step: string; input: unknown; run: RunRecord; root: string; connectionString: string };

if (import.meta.main) {
  const order = JSON.parse(process.env['OCTO_STEP']!) as StepOrder;
  const { root, run } = order;
  const archives = directoryObjectStore({ directory: join(root, 'archives') });
  const share = join(root, 'share');
  const world = {
    clock: systemClock,
    archives: {
      ...archives,
      create: (...[key, bytes, options]: Parameters<typeof archives.create>) => {
        if (!key.includes('/database/')) return archives.create(key, bytes, options);
        process.stdout.write('storing\n');
        return Promise.withResolvers<never>().promise;
      },
    },
    state: directoryObjectStore({ directory: join(root, 'state') }),
    hostDirectory: join(root, 'host'),
    instance: () => ({ database: { name: 'OctopusDeploy', share: { sqlServerPath: share, workerPath: share } } }),
    sqlServer: async () => sqlServerTds({ connectionString: new Secret(order.connectionString), stallSeconds: 20 }),
  } as unknown as World;
  // Keeps the process alive while it waits for nothing.
  setInterval(() => undefined, 60_000);
  await (
    await loadStep(order.step)
  ).perform(world, order.input, {
    run,
    state: order.step,
    attempt: 0,
    signal: new AbortController().signal,
    beat: async () => undefined,
  });
}
