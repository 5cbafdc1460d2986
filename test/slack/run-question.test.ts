/** The question of a run on its card, and an archive that was accepted: what is said, and which buttons work. */
import { describe, expect, it } from 'vitest';
import type { Asked } from '../../lib/domain/runs/question.ts';
import type { RunView } from '../../lib/domain/runs/run.ts';
import { questionCall, openQuestion } from '../../lib/slack/run/question-card.ts';
import { runCard } from '../../lib/slack/run/run-card.ts';
import { runLines } from '../../lib/slack/run/run-lines.ts';
import { blockProblems } from '../../sandbox/slack/block-rules.ts';
import { anEndedView, aStep, aSummary, aView, NOW } from './view.ts';

const question = {
  n: 1,
  askedAt: '2026-03-05T02:15:00Z',
  until: '2026-03-05T02:59:00Z',
  canGoOnline: true,
  tasks: '"Deploy <!channel> Payments" (ServerTasks-7, 35 min)',
};
const asking = (answer: Asked['answer'] = null, status: 'running' | 'failed' | 'done' = 'running'): RunView => ({
  ...aView({ steps: [aStep('PlanRun'), aStep('Quiesce', { status })], maintenanceUntil: '2026-03-05T03:00:00Z' }),
  asked: { question, answer },
});
const buttonsOf = (view: RunView): string[] =>
  runCard(view, NOW).blocks.flatMap((block) =>
    block.type === 'actions'
      ? block.elements.map((one) => ('value' in one && 'text' in one ? `${one.text?.text} = ${one.value}` : ''))
      : [],
  );

describe('a run that asks', () => {
  it('says what is at work, until when it asks and what silence means, with three answers', () => {
    const card = runCard(asking(), NOW);
    const shown = JSON.stringify(card.blocks);
    expect(blockProblems(card.blocks, 'message')).toEqual([]);
    expect(shown).toContain('Backup asks');
    expect(shown).toContain('Without an answer by');
    expect(shown).not.toContain('<!channel>');
    expect(buttonsOf(asking())).toEqual([
      'Wait 15 min more = answer run_7F3K9Q2M wait',
      'Go on online = answer run_7F3K9Q2M online',
      'Give up = answer run_7F3K9Q2M abort',
      'Stop = cancel run_7F3K9Q2M',
    ]);
    expect(runLines(asking(), NOW).join('\n')).toContain('octo answer run_7F3K9Q2M wait|online|abort');
  });

  it('offers a restore no way without quiet', () => {
    const restore: RunView = { ...asking(), asked: { question: { ...question, canGoOnline: false }, answer: null } };
    expect(buttonsOf(restore).join()).not.toContain('online');
  });

  it('takes its buttons back with the answer, and when the step is over', () => {
    const answered = asking({ kind: 'wait', by: { person: 'ben', door: 'slack' }, at: question.askedAt });
    for (const view of [answered, asking(null, 'failed'), asking(null, 'done')])
      expect(buttonsOf(view)).toEqual(['Stop = cancel run_7F3K9Q2M']);
    expect(openQuestion(asking())).toEqual(question);
  });

  it('calls people in a message of its own, which carries no button that could outlive the answer', () => {
    const call = questionCall(asking(), question, ['U0ANA', 'S0OPS']);
    expect(call.text).toContain('<@U0ANA> <!subteam^S0OPS>');
    expect(blockProblems(call.blocks, 'message')).toEqual([]);
    expect(JSON.stringify(call.blocks)).not.toContain('button');
  });
});

describe('an archive that waits for somebody to look at it', () => {
  const suspicious = anEndedView({ word: 'suspicious', backup: aSummary, unusual: ['the database shrank by 40 %'] });

  it('can be accepted by a button, once', () => {
    expect(buttonsOf(suspicious)[0]).toBe(`Accept… = backup accept ${aSummary.archiveId} instance:prod`);
    const accepted = { by: 'ben', reason: 'old <!here> releases', acceptedAt: '2026-03-05T03:00:00Z' };
    const view: RunView = { ...suspicious, accepted };
    expect(buttonsOf(view).join()).not.toContain('Accept');
    const shown = JSON.stringify(runCard(view, NOW).blocks);
    expect(shown).toContain('it counts as good');
    expect(shown).not.toContain('not used as latest good');
    expect(shown).not.toContain('<!here>');
    expect(blockProblems(runCard(view, NOW).blocks, 'message')).toEqual([]);
  });

  it('is there only where an archive is', () => {
    expect(buttonsOf(anEndedView({ word: 'failed' })).join()).not.toContain('Accept');
  });
});
