/** The card of a run, as JSON, in each of its states; and within Slack's limits whatever people and programs write. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blockProblems, isTooLongTogether } from '../../sandbox/slack/block-rules.ts';
import { OUTCOMES, type RunView, type StepNote } from '../../lib/domain/runs/run.ts';
import { whatExceeds } from '../../lib/slack/limits.ts';
import { runCard } from '../../lib/slack/run/run-card.ts';
import { runLines, stepLine } from '../../lib/slack/run/run-lines.ts';
import { anEndedView, anOutcome, aStep, aSummary, aView, NOW, PLANNED } from './view.ts';

const running = aView({
  steps: [
    aStep('PlanRun', { endedAt: '2026-03-05T02:00:30Z' }),
    aStep('SaveKeys'),
    aStep('DumpDatabase', { status: 'running', endedAt: null, percent: 46.9, text: '4.1 GB so far' }),
  ],
});

describe('a run at work', () => {
  it('begins as a request', () => {
    expect(runCard(aView(), NOW)).toEqual({
      text: 'A backup of prod was requested by ana.',
      blocks: [
        mrkdwn('⏳ *Backup requested* · prod'),
        small('asked by ana · "before the upgrade" · run_7F3K9Q2M'),
        mrkdwn(spaced(['○ preflight', '○ lock', '○ keys', '○ database', '○ seal', '○ report'])),
        stopButton,
      ],
    });
  });

  it('shows where it is, how long it took so far, and what it does', () => {
    expect(runCard(running, NOW)).toEqual({
      text: 'The backup of prod is at step 4 of 6: database.',
      blocks: [
        mrkdwn('🔄 *Backup running* · prod · step 4 of 6: database'),
        small('20 min · asked by ana · "before the upgrade" · run_7F3K9Q2M'),
        mrkdwn(spaced(['✅ preflight 0:20', '○ lock', '✅ keys 6:41', '▶ database 46 %', '○ seal', '○ report'])),
        mrkdwn('4.1 GB so far'),
        stopButton,
      ],
    });
  });

  it('says that it tries again, and what failed before the way back', () => {
    const error = { code: 'DatabaseDiskFull', message: 'not enough space on "D:"', advice: '' };
    const failed = aStep('DumpDatabase', { status: 'failed', error });
    const again = aStep('ResumeAfterFailure', {
      status: 'running',
      endedAt: null,
      attempt: 1,
      text: 'leaving maintenance',
    });
    expect(runCard(aView({ steps: [failed, again] }), NOW).blocks[3]).toEqual(
      mrkdwn('attempt 2: leaving maintenance\ndatabase failed: not enough space on "D:" (DatabaseDiskFull)'),
    );
  });

  it('says until when maintenance mode is on at the latest', () => {
    const view = aView({ steps: [aStep('Quiesce')], maintenanceUntil: '2026-03-05T02:55:00Z' });
    expect(JSON.stringify(runCard(view, NOW).blocks)).toMatch(
      /Maintenance mode: on until <!date\^.*02:55 UTC> at the latest/,
    );
    expect(runLines(view, NOW).join('\n')).toContain('Maintenance mode: on until 2026-03-05 02:55 UTC at the latest');
  });

  it('names a state that it does not know, and one that was not planned', () => {
    const view = aView({ steps: [aStep('CountTheSheep', { status: 'running', endedAt: null })] });
    expect(runCard(view, NOW).text).toBe('The backup of prod is at count the sheep.');
  });

  it('shows those around the present one of many steps, and counts the others', () => {
    const plannedStates = Array.from({ length: 500 }, (_, at) => `Step${at}`);
    const steps = plannedStates.slice(0, 200).map((state) => aStep(state));
    const line = JSON.stringify(runCard(aView({ plannedStates, steps }), NOW).blocks[2]).replaceAll('\u00a0', ' ');
    expect(line).toContain('187 earlier steps …');
    expect(line).toContain('… 289 later steps');
  });
});

describe('a run that ended', () => {
  it('is good', () => {
    const view = anEndedView({
      backup: aSummary,
      safeNow: 'The newest good archive is this one.',
      notes: ['1 task left in the queue'],
    });
    expect(runCard(view, NOW)).toEqual({
      text: 'The backup of prod is good: 18 min, 42.7 GB (+300.0 MB).',
      blocks: [
        mrkdwn('✅ *Backup good* · prod · <!date^1772676000^{date_short_pretty} {time}|2026-03-05 02:00 UTC>'),
        small('18 min · 42.7 GB (+300.0 MB) · asked by ana · "before the upgrade" · run_7F3K9Q2M'),
        mrkdwn(
          'Database 9.1 GB, CHECKSUM, verified · 18,204 files, 33.4 GB, 0 missing · key opens 12 of 12\n' +
            'Maintenance 3 min 10 s · arc_20260305T020000Z_7F3K9Q2M',
        ),
        small('Noted: 1 task left in the queue'),
        mrkdwn('*Safe now:* The newest good archive is this one.'),
      ],
    });
  });

  it('is complete with gaps, each named, and says what to do', () => {
    const gaps = Array.from({ length: 10 }, (_, at) => `package ${at} is missing`);
    const { text, blocks } = runCard(
      anEndedView({ word: 'gaps', backup: aSummary, gaps, safeNow: 'Yes.', doNext: 'Mend it.' }),
      NOW,
    );
    expect(text).toBe('The backup of prod is complete with 10 gaps and not used as latest good.');
    expect(blocks[0]).toEqual(
      mrkdwn(
        '🟠 *Backup complete with gaps* · prod · <!date^1772676000^{date_short_pretty} {time}|2026-03-05 02:00 UTC> - not used as latest good',
      ),
    );
    expect(blocks[3]).toEqual(
      mrkdwn(
        `*Missing or not proven*\n${gaps
          .slice(0, 8)
          .map((gap) => `• ${gap}`)
          .join('\n')}\n• and 2 more`,
      ),
    );
    expect(blocks[4]).toEqual(mrkdwn('*Safe now:* Yes.\n*Do next:* Mend it.'));
    expect(JSON.stringify(blocks[5])).toMatch(/Accept….*Try again.*Details/);
  });

  it('suspicious: what is unusual stands apart from what is missing, on the card and in a terminal', () => {
    const unusual = ['the database shrank by 40 % since arc_old (tolerance 10 %)'];
    const view = anEndedView({ word: 'suspicious', backup: aSummary, gaps: ['no license'], unusual });
    const { text, blocks } = runCard(view, NOW);
    expect(text).toBe('The backup of prod is suspicious and not used as latest good.');
    expect(blocks.slice(3, 5)).toEqual([
      mrkdwn('*Missing or not proven*\n• no license'),
      mrkdwn(`*Unusual*\n• ${unusual[0]}`),
    ]);
    const lines = runLines(view, NOW);
    expect(lines.slice(lines.indexOf('  Unusual:'))).toEqual(expect.arrayContaining([`    ${unusual[0]}`]));
  });

  it('failed: step, reason, code, what is safe, what to do', () => {
    const error = {
      code: 'DatabaseDiskFull',
      message: 'not enough space on D: (needs 9.4 GB, has 2.1 GB)',
      advice: '',
      state: 'DumpDatabase',
    };
    expect(
      runCard(anEndedView({ word: 'failed', error, safeNow: 'Octopus is running.', doNext: 'Free space.' }), NOW),
    ).toEqual({
      text: 'The backup of prod failed: not enough space on D: (needs 9.4 GB, has 2.1 GB).',
      blocks: [
        mrkdwn('🔴 *Backup failed* · prod · step 4 of 6, database: not enough space on D: (needs 9.4 GB, has 2.1 GB)'),
        small('18 min · asked by ana · "before the upgrade" · run_7F3K9Q2M'),
        mrkdwn('*Safe now:* Octopus is running.\n*Do next:* Free space.'),
        small('Code `DatabaseDiskFull`'),
        againButtons,
      ],
    });
  });

  it('says the same in a terminal, without markup and in UTC', () => {
    const view = anEndedView({
      word: 'gaps',
      backup: aSummary,
      gaps: ['2 packages are missing'],
      safeNow: 'Yes.',
      doNext: 'Mend it.',
    });
    expect(runLines(view, NOW)).toEqual([
      '🟠 Backup complete with gaps · prod · 2026-03-05 02:00 UTC - not used as latest good',
      '  18 min · 42.7 GB (+300.0 MB) · asked by ana · "before the upgrade" · run_7F3K9Q2M',
      '  Database 9.1 GB, CHECKSUM, verified · 18,204 files, 33.4 GB, 0 missing · key opens 12 of 12',
      '  Maintenance 3 min 10 s · arc_20260305T020000Z_7F3K9Q2M',
      '  Missing or not proven:',
      '    2 packages are missing',
      '  Safe now: Yes.',
      '  Do next:  Mend it.',
    ]);
  });

  it('says when there was nothing to try the key on, and when it was taken online', () => {
    const backup = {
      ...aSummary,
      consistency: 'online' as const,
      keyProof: { ...aSummary.keyProof, opened: 0, sampled: 0 },
    };
    const lines = runLines(anEndedView({ word: 'gaps', backup }), NOW).join('\n');
    expect(lines).toContain('no encrypted value to try the key on');
    expect(lines).toContain('Taken online, without maintenance mode');
  });
});

describe('one step in a terminal', () => {
  it('stands, with its time and its words', () => {
    expect(stepLine(aStep('DumpDatabase', { text: '9.1 GB' }), NOW)).toBe('✅ database 6:41 · 9.1 GB');
    const running = aStep('DumpDatabase', { status: 'running', endedAt: null, percent: 46.9, text: '4.1 GB' });
    expect(stepLine(running, NOW)).toBe('▶ database 46 % · 19:50 · 4.1 GB');
    const error = { code: 'DatabaseDiskFull', message: 'no space on D:\u001b[2J', advice: '' };
    expect(stepLine(aStep('DumpDatabase', { status: 'failed', error }), NOW)).toBe(
      '❌ database · no space on D: [2J (DatabaseDiskFull)',
    );
  });
});

describe('whatever people and programs write', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    fc.constantFrom('<!channel>'.repeat(400), '&'.repeat(4_000), '👩‍👩‍👧‍👦'.repeat(500), '`*_~>\n', ''),
  );
  const error = fc.record({
    code: fc.constant('Bug'),
    message: text,
    advice: text,
    state: fc.constantFrom('DumpDatabase', 'Other'),
  });
  const step: fc.Arbitrary<StepNote> = fc.record({
    state: fc.oneof(fc.constantFrom(...PLANNED), text),
    step: text,
    attempt: fc.nat(9),
    status: fc.constantFrom('running', 'done', 'failed'),
    startedAt: fc.constant('2026-03-05T02:00:10Z'),
    updatedAt: fc.constant('2026-03-05T02:06:51Z'),
    endedAt: fc.constantFrom(null, '2026-03-05T02:06:51Z'),
    percent: fc.option(fc.double({ min: 0, max: 100, noNaN: true })),
    text,
    error: fc.option(error),
  });
  const outcome = fc.record({
    word: fc.constantFrom(...OUTCOMES),
    gaps: fc.array(text, { maxLength: 60 }),
    notes: fc.array(text, { maxLength: 60 }),
    error: fc.option(error),
    safeNow: text,
    doNext: text,
    backup: fc.constantFrom(null, aSummary),
  });
  const view: fc.Arbitrary<RunView> = fc
    .record({
      reason: fc.option(text),
      person: text,
      outcome: fc.option(outcome),
      steps: fc.array(step, { maxLength: 30 }),
      many: fc.boolean(),
    })
    .map(({ reason, person, outcome, steps, many }) =>
      aView({
        run: {
          reason,
          requestedBy: { door: 'slack', person, channel: null },
          outcome: outcome === null ? null : anOutcome(outcome),
          status: outcome === null ? 'running' : 'ended',
        },
        steps,
        plannedStates: many ? Array.from({ length: 500 }, (_, at) => `State${at}`) : PLANNED,
      }),
    );

  it('fits Slack by our measure and by the stand-in’s, and mentions nobody', () => {
    fc.assert(
      fc.property(view, (view) => {
        const card = runCard(view, NOW);
        expect(whatExceeds(card)).toEqual([]);
        expect(blockProblems(card.blocks, 'message')).toEqual([]);
        expect(isTooLongTogether(card.blocks)).toBe(false);
        expect(JSON.stringify(card)).not.toMatch(/<(?!!date\^\d+\^)/);
      }),
      { numRuns: 300 },
    );
  });

  it('prints nothing that moves a terminal’s cursor', () => {
    fc.assert(
      fc.property(view, (view) => {
        // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
        expect(runLines(view, NOW).join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }),
    );
  });
});

const mrkdwn = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } });
const small = (text: string) => ({ type: 'context', elements: [{ type: 'mrkdwn', text }] });
const spaced = (steps: string[]) => steps.map((step) => step.replaceAll(' ', '\u00a0')).join('   ');
const plain = (text: string) => ({ type: 'plain_text', text });
const againButtons = {
  type: 'actions',
  elements: [
    { type: 'button', text: plain('Try again'), action_id: 'command:backup', value: 'backup now prod' },
    { type: 'button', text: plain('Details'), action_id: 'command:run', value: 'run run_7F3K9Q2M' },
  ],
};
const stopButton = {
  type: 'actions',
  elements: [
    {
      type: 'button',
      text: plain('Stop'),
      action_id: 'command:cancel',
      value: 'cancel run_7F3K9Q2M',
      style: 'danger',
      confirm: {
        title: plain('Stop this backup?'),
        text: plain('It ends at the next safe point and puts Octopus back as it was. Nothing it stored is listed.'),
        confirm: plain('Stop it'),
        deny: plain('Go on'),
        style: 'danger',
      },
    },
  ],
};
