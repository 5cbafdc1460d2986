/** What is said of a drill: its report word for word, and its lines in card, status and digest. */
import { describe, expect, it } from 'vitest';
import { objectivesOf } from '../../lib/domain/drills/objectives.ts';
import { drillReport } from '../../lib/slack/run/drill-report.ts';
import { objectivesWords } from '../../lib/slack/run/drill-words.ts';
import { planFindings, planLines } from '../../lib/slack/run/plan-words.ts';
import { runCard } from '../../lib/slack/run/run-card.ts';
import { terminalTongue } from '../../lib/slack/tongue.ts';
import { utcTime } from '../../lib/slack/text.ts';
import { blockProblems } from '../../sandbox/slack/block-rules.ts';
import { aDrill } from './drill-record.ts';
import { anOutcome, aView, NOW } from './view.ts';

describe('the report', () => {
  it('says what was tried, what was found, and how long each part took', () => {
    const { name, title, text } = drillReport(aDrill());
    expect(name).toBe('drill-prod-2026-03-06-run_7F3K9Q2M.md');
    expect(title).toBe('Report of the drill run_7F3K9Q2M: arc_20260305T020000Z_7F3K9Q2M of prod, it can be restored');
    expect(text).toMatchInlineSnapshot(`
      "# Drill of prod: it can be restored

      | | |
      |---|---|
      | Archive | arc_20260305T020000Z_7F3K9Q2M, taken 2026-03-05 02:00 UTC |
      | Octopus | 2024.4.7106 |
      | Run | run_7F3K9Q2M, asked for by ana |
      | Place | on the SQL Server for drills |
      | From | 2026-03-06 03:00 UTC |
      | To | 2026-03-06 03:27 UTC |
      | Restored in | 26 min |

      ## What was looked at

      | | |
      |---|---|
      | Database restored | dump of 9.1 GB, SHA-256 compared, in 11 min |
      | Rows against the manifest | 1,204,311 rows in 180 tables, in 3 min |
      | Master key on the restored copy | opens 12 of 12 values |
      | DBCC CHECKDB | no fault |
      | Files that the database lists | 4,210 listed, 0 missing |
      | Files | 18,204 files, 33.4 GB, each compared with its SHA-256, in 12 min |

      The copy was restored beside everything else and removed afterwards. Octopus, its database and its folders were not touched.
      "
    `);
  });

  it('of a drill that failed says so first, and what was not looked at', () => {
    const error = { code: 'ArchiveDamaged', message: 'a | b\nc', state: 'DrillProof' };
    const { text } = drillReport(
      aDrill({ word: 'failed', error, proven: null, files: null, seconds: { DrillDatabase: 660 }, gaps: ['one'] }),
    );
    expect(text).toContain('# Drill of prod: it CANNOT be relied on');
    expect(text).toContain('| Failed | prove copy: a \\| b c (ArchiveDamaged) |');
    expect(text).toContain('| DBCC CHECKDB | NOT looked at |');
    expect(text).toContain('| Files | NOT looked at |');
    expect(text).toContain('| Restored in | not restored whole |');
    expect(text).toContain('## Missing or not proven\n\n- one');
  });
});

describe('the card', () => {
  it('of a good drill says what it proved', () => {
    const view = aView({
      run: {
        workflow: 'drill',
        options: { archive: 'arc_20260305T020000Z_7F3K9Q2M' },
        archiveId: null,
        status: 'ended',
        endedAt: '2026-03-06T03:27:00Z',
        outcome: anOutcome({ drill: aDrill(), safeNow: 'Octopus was not touched.' }),
      },
    });
    const card = runCard(view, NOW);
    expect(blockProblems(card.blocks, 'message')).toEqual([]);
    const text = JSON.stringify(card.blocks);
    expect(text).toContain('Drill good');
    expect(text).toContain('key opens 12 of 12 on the restored copy');
    expect(text).toContain('restored in 26 min');
  });
});

describe('the plan', () => {
  it('says to whoever approves it that nothing of the server is touched', () => {
    const plan = {
      version: 1,
      run: 'run_7F3K9Q2M',
      workflow: 'drill',
      instance: 'prod',
      archive: { archiveId: 'arc_20260305T020000Z_7F3K9Q2M', takenAt: '2026-03-05T02:00:00Z', word: 'good' },
      place: 'production',
      database: 'octo_run_7F3K9Q2M',
      folder: '/drills/run_7F3K9Q2M',
    } as const;
    expect(planFindings(plan, terminalTongue)).toEqual([
      'Will restore  arc_20260305T020000Z_7F3K9Q2M on trial, on the SQL Server of the instance',
      'Meanwhile  Octopus, its database and its folders are not touched',
      'Way back  none needed: the copy and its files are removed',
    ]);
    expect(planLines(plan)).toContainEqual(expect.stringMatching(/^scratch folder +\/drills\/run_7F3K9Q2M$/));
  });
});

describe('the line of status, home and digest', () => {
  const line = (drills: ReturnType<typeof aDrill>[], restoreTargetMinutes = 240) =>
    objectivesWords(objectivesOf(drills, { restoreTargetMinutes }), utcTime).join(' · ');

  it('invents nothing', () => {
    expect(line([])).toBe('no drill yet: how long a restore takes is not known');
  });

  it('compares with the target', () => {
    expect(line([aDrill(), aDrill()])).toBe(
      'last drill good 2026-03-06 03:27 UTC · a restore takes about 26 min (last 2 drills: 26 min - 26 min), target 4 h',
    );
    expect(line([aDrill()], 20)).toContain('a restore takes about 26 min (last drill), OVER its target 20 min');
    expect(line([aDrill({ word: 'failed' })])).toBe('last drill FAILED 2026-03-06 03:27 UTC');
  });
});
