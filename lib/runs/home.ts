/** Reads what a person's App Home shows: what waits for them, how every instance stands, and the last runs. */
import { mayDecide } from '../domain/runs/approval.ts';
import { askingOf, requirement } from '../domain/runs/approval-policy.ts';
import type { RunRecord, RunView } from '../domain/runs/run.ts';
import { isSafe, type Standing } from '../domain/settings/standing.ts';
import type { World } from '../ports/world.ts';
import { readAuditHead } from '../repository/audit.ts';
import { policyFor } from '../repository/people/policy.ts';
import { listRuns } from '../repository/run-book.ts';
import { awaitedApproval } from '../slack/approval-words.ts';
import type { Home } from '../slack/app-home.ts';
import { readView } from './report.ts';
import { readStanding } from './standing.ts';
import { unreadable } from './unreadable.ts';

const RECENT_RUNS = 10;

/** The home of `by`, as things stand now. What cannot be read is named, and the rest is shown. */
export const readHome = async (world: World, by: RunRecord['requestedBy']): Promise<Home> => {
  const { named, note, orNull } = unreadable();
  const names = world.instanceNames();
  const [standings, recent, auditHead] = await Promise.all([
    Promise.all(names.map((name) => readStanding(world, name))),
    orNull(listRuns(world, { limit: RECENT_RUNS, onUnreadable: note })),
    orNull(readAuditHead(world)),
  ]);
  const atWork = standings.flatMap((standing) => standing.running);
  const running = read(await Promise.all(atWork.map(({ id }) => orNull(readView(world, id)))));
  const waiting = read(await Promise.all(running.map((view) => orNull(waitingFor(world, view, by.person)))));
  return {
    waiting: waiting.flat(),
    standings: standings.toSorted(redFirst),
    running: running.filter((view) => awaitedApproval(view) === null),
    canBackUp: names.filter((name) => mayAsk(world, name, by)),
    recent: recent ?? [],
    auditHead,
    unreadable: [...new Set([...standings.flatMap((standing) => standing.unreadable), ...named()])],
    now: world.clock.now(),
  };
};

const read = <T>(found: readonly (T | null)[]): T[] => found.filter((one) => one !== null);

/** The run, when it waits for this person. */
const waitingFor = async (world: World, view: RunView, person: string): Promise<RunView[]> => {
  const approval = awaitedApproval(view);
  if (approval === null || approval.votes.some((vote) => vote.person === person)) return [];
  const policy = await policyFor(world, view.run.instance);
  return mayDecide(policy, askingOf(view.run, world.instance(view.run.instance)), person).may ? [view] : [];
};

const mayAsk = (world: World, instance: string, by: RunRecord['requestedBy']): boolean =>
  requirement(world.policy, { verb: 'backup', instance: world.instance(instance), by }).kind !== 'denied';

/** Those that are not safe first, then by name. */
const redFirst = (a: Standing, b: Standing): number =>
  Number(isSafe(a)) - Number(isSafe(b)) || a.instance.localeCompare(b.instance);
