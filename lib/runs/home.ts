/** Reads what a person's App Home shows: what waits for them, how every instance stands, and the last runs. */
import { mayDecide } from '../domain/runs/approval.ts';
import { askingOf, requirement } from '../domain/runs/approval-policy.ts';
import type { RunRecord, RunView } from '../domain/runs/run.ts';
import { isSafe, type Standing } from '../domain/settings/standing.ts';
import type { World } from '../ports/world.ts';
import { readAuditHead } from '../repository/audit.ts';
import { listRuns } from '../repository/run-book.ts';
import { awaitedApproval } from '../slack/approval-words.ts';
import type { Home } from '../slack/app-home.ts';
import { readView } from './report.ts';
import { readStanding } from './standing.ts';

const RECENT_RUNS = 10;

/** The home of `by`, as things stand now. */
export const readHome = async (world: World, by: RunRecord['requestedBy']): Promise<Home> => {
  const names = world.instanceNames();
  const [standings, recent, auditHead] = await Promise.all([
    Promise.all(names.map((name) => readStanding(world, name))),
    listRuns(world, { limit: RECENT_RUNS }),
    readAuditHead(world),
  ]);
  const running = await viewsOf(
    world,
    standings.flatMap((standing) => standing.running),
  );
  return {
    waiting: running.filter((view) => waitsFor(world, view, by.person)),
    standings: standings.toSorted(redFirst),
    running: running.filter((view) => awaitedApproval(view) === null),
    canBackUp: names.filter((name) => mayAsk(world, name, by)),
    recent,
    auditHead,
    now: world.clock.now(),
  };
};

const viewsOf = async (world: World, runs: RunRecord[]): Promise<RunView[]> => {
  const views = await Promise.all(runs.map(({ id }) => readView(world, id)));
  return views.filter((view) => view !== null);
};

const waitsFor = (world: World, view: RunView, person: string): boolean => {
  const approval = awaitedApproval(view);
  if (approval === null || approval.votes.some((vote) => vote.person === person)) return false;
  return mayDecide(world.policy, askingOf(view.run, world.instance(view.run.instance)), person).may;
};

const mayAsk = (world: World, instance: string, by: RunRecord['requestedBy']): boolean =>
  requirement(world.policy, { verb: 'backup', instance: world.instance(instance), by }).kind !== 'denied';

/** Those that are not safe first, then by name. */
const redFirst = (a: Standing, b: Standing): number =>
  Number(isSafe(a)) - Number(isSafe(b)) || a.instance.localeCompare(b.instance);
