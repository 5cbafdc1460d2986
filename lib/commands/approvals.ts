/**
 * `/octo approve` and `/octo deny`: what a person says on a run that waits. Buttons and forms are these commands too.
 *
 * In Slack a form asks for what a click cannot hold; it opens only for whoever may decide, anybody else is refused at once.
 */
import { isOpenBreakGlass } from '../domain/runs/approval.ts';
import { OctoError } from '../domain/errors.ts';
import { isRunId } from '../domain/names.ts';
import type { Reply } from '../domain/reply.ts';
import type { World } from '../ports/world.ts';
import { closeBreakGlass, requireMayDecide, say, type Said, type Saying } from '../runs/decide.ts';
import { readView } from '../runs/report.ts';
import { approveForm, closeForm, denyForm } from '../slack/approval-card.ts';
import type { Arguments, Command, Request } from './grammar/command.ts';

const RUN = { name: 'run', summary: 'its id, as in run_7F3K9Q2M' } as const;

export const approve: Command = {
  words: ['approve'],
  changes: true,
  summary: 'Approve a run that waits for it; or close a break-glass, with a reason.',
  positionals: [RUN],
  options: {
    confirm: { summary: "the instance's name, where the policy wants it typed" },
    reason: { summary: 'why; needed to break the glass and to close it' },
    'break-glass': { summary: 'let it through alone, where the policy allows you to', isFlag: true },
  },
  example: '/octo approve run_7F3K9Q2M confirm:prod',
  form: async (world, args, { by }) => {
    const { confirm, reason } = args.options;
    if (confirm !== undefined || 'break-glass' in args.options) return null;
    const runId = args.positionals['run'] ?? '';
    const view = isRunId(runId) ? await readView(world, runId) : null;
    if (reason === undefined && view?.approval != null && isOpenBreakGlass(view.approval)) return closeForm(view.run);
    const found = await decidable(world, { ...whatIsSaid(args, by), kind: 'approve' });
    return found?.approval.requirement.isTyped === true ? approveForm(found.run) : null;
  },
  perform: async (world, args, { by }) => {
    const said = whatIsSaid(args, by);
    if ('break-glass' in args.options) return answer(await say(world, { ...said, kind: 'break-glass' }));
    const approval = (await readView(world, said.runId))?.approval ?? null;
    if (approval === null || !isOpenBreakGlass(approval)) return answer(await say(world, { ...said, kind: 'approve' }));
    const closure = await closeBreakGlass(world, said);
    return {
      headline: `The break-glass of ${said.runId} is closed by ${closure.person}.`,
      lines: [],
      json: { run: said.runId, closure },
    };
  },
};

export const deny: Command = {
  words: ['deny'],
  changes: true,
  summary: 'Deny a run that waits for approval, with a reason.',
  positionals: [RUN],
  options: { reason: { summary: 'why; the requester is told' } },
  example: '/octo deny run_7F3K9Q2M reason:"not before the release"',
  form: async (world, args, { by }) => {
    if (args.options['reason'] !== undefined) return null;
    const found = await decidable(world, { ...whatIsSaid(args, by), kind: 'deny' });
    return found === null ? null : denyForm(found.run);
  },
  perform: async (world, args, { by }) => answer(await say(world, { ...whatIsSaid(args, by), kind: 'deny' })),
};

const whatIsSaid = ({ positionals, options }: Arguments, { door, person }: Request['by']): Omit<Saying, 'kind'> => {
  if (door === 'schedule') throw new OctoError('ApprovalNotYours', 'the schedule decides nothing');
  return {
    runId: positionals['run'] ?? '',
    by: { door, person },
    reason: options['reason'] ?? null,
    typed: options['confirm'] ?? null,
  };
};

/** The run, when this person may decide on it now; else null, and carrying out the command says why, into the audit too. */
const decidable = async (world: World, saying: Saying) => {
  try {
    return await requireMayDecide(world, saying);
  } catch (thrown) {
    if (thrown instanceof OctoError) return null;
    throw thrown;
  }
};

const answer = ({ run, approval, isNew, isWoken }: Said): Reply => {
  const { decision, votes, requirement } = approval;
  const json = { run: run.id, decision, votes: votes.map(({ person, kind, at }) => ({ person, kind, at })) };
  if (decision === null) {
    // At least one: a vote may be on record that no longer counts.
    const missing = Math.max(1, requirement.count - votes.filter(({ kind }) => kind === 'approve').length);
    const headline = isNew
      ? `Your approval of ${run.id} counts`
      : `You have approved ${run.id} before, which counts once`;
    return { headline: `${headline}; ${missing} more needed.`, lines: [], json };
  }
  const what = decision.kind === 'denied' ? 'is denied' : 'is approved';
  const next = decision.kind === 'denied' ? 'It ends' : 'It goes on';
  return {
    headline: `${run.id} ${what} by ${decision.persons.join(', ')}.`,
    lines: isNew ? [isWoken ? `${next} now.` : `${next} when the bot is at work.`] : [],
    json,
  };
};
