/**
 * Tells `octo check` how this host is: that its worker is alive, in which version, and what of the preconditions holds here. What
 * cannot be written is tried again at the next round; until then the worker counts as silent, which it is.
 */
import { checkOnHost } from '../../lib/checks/index.ts';
import { VERSION } from '../../lib/domain/version.ts';
import type { Log } from '../../lib/log.ts';
import type { World } from '../../lib/ports/world.ts';
import { type HostReport, writeHostReport } from '../../lib/repository/lease/host-report.ts';

const REPORT_MS = 300_000;
/** The checks let SQL Server write a small file, so they are not made at every report. */
const CHECK_EVERY_ROUNDS = 12;

type Reporting = { host: string; signal: AbortSignal; log: Log };

/** Reports at once and every five minutes until `signal` fires. */
export const keepReporting = async (world: World, { host, signal, log }: Reporting): Promise<void> => {
  const startedAt = world.clock.now().toISOString();
  let checks: HostReport['checks'] = {};
  for (let round = 0; !signal.aborted; round++) {
    try {
      const report = () => ({
        version: VERSION,
        node: process.versions.node,
        startedAt,
        seenAt: world.clock.now().toISOString(),
        checks,
      });
      await writeHostReport(world, { host, report: report() });
      if (round % CHECK_EVERY_ROUNDS === 0) {
        checks = await lookAround(world);
        await writeHostReport(world, { host, report: report() });
      }
    } catch (error) {
      log.warn('this host could not be reported', { host, error });
    }
    await world.clock.sleep(REPORT_MS, signal).catch(() => undefined);
  }
};

const lookAround = async (world: World): Promise<HostReport['checks']> => {
  const at = world.clock.now().toISOString();
  const checked = world.instanceNames().map(async (instance) => {
    return [instance, { at, findings: await checkOnHost(world, instance) }] as const;
  });
  return Object.fromEntries(await Promise.all(checked));
};
