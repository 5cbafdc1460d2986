/** App Home: in the order in which a person needs it, and never more than Slack takes. */
import { describe, expect, it } from 'vitest';
import type { Standing } from '../../lib/domain/settings/standing.ts';
import { appHome, type Home } from '../../lib/slack/app-home.ts';
import { viewProblems } from '../../sandbox/slack/block-rules.ts';
import { aView, anOutcome, NOW } from './view.ts';

const standing = (change: Partial<Standing> = {}): Standing => ({
  instance: 'prod',
  maintenance: 'off',
  maintenanceReason: null,
  latestGood: {
    archive: 'arc_20260305T000000Z_7F3K9Q2M',
    takenAt: '2026-03-05T00:00:00Z',
    ageSeconds: 8400,
    keyProof: { opened: 12, sampled: 12, fingerprint: '0123456789abcdef' },
  },
  targetSeconds: 8 * 3600,
  pause: null,
  nextRun: { at: '2026-03-05T04:00:00.000Z', consistency: 'online' },
  running: [],
  areArchivesRead: true,
  damagedCount: 0,
  verification: null,
  objectives: null,
  unreadable: [],
  ...change,
});

const home = (change: Partial<Home> = {}): Home => ({
  waiting: [],
  standings: [standing()],
  running: [],
  canBackUp: ['prod'],
  recent: [],
  auditHead: { n: 3, hash: 'a'.repeat(64) },
  unreadable: [],
  now: NOW,
  ...change,
});

/** Every text in order, and every command that a button stands for. */
const read = (given: Home) => {
  const { text, blocks } = appHome(given);
  expect(viewProblems({ type: 'home', blocks })).toEqual([]);
  const json = JSON.stringify(blocks);
  return {
    text,
    texts: [...json.matchAll(/"text":"((?:[^"\\]|\\.)*)"/g)].map(([, words]) => words!),
    commands: [...json.matchAll(/"value":"([^"]*)"/g)].map(([, command]) => command!),
  };
};

describe('App Home', () => {
  it('says at a glance that all is well, and what can be done', () => {
    const { text, texts, commands } = read(home());
    expect(text).toBe('Every instance has a good archive within its target');
    expect(texts[0]).toBe(text);
    expect(texts[1]).toMatch(
      /^🟢 \*prod\* · newest good archive 2 h 20 min old, .* target 8 h\\nmaintenance mode off · next run/,
    );
    expect(texts).toContain(`Audit: 3 entries, head \`3:${'a'.repeat(16)}\``);
    expect(commands).toEqual(['backup now prod', 'check', 'help', 'backup settings prod']);
  });

  it('names what is not safe, paused or in maintenance', () => {
    const pause = { until: null, by: '<!channel>', since: '2026-03-04T00:00:00Z' };
    const old = { ...standing().latestGood!, ageSeconds: 30_000 };
    const given = home({
      standings: [
        standing({ instance: 'test', latestGood: null }),
        standing({ latestGood: old, maintenance: 'on', pause, nextRun: null }),
      ],
    });
    const { text, texts, commands } = read(given);
    expect(commands.filter((command) => command.startsWith('backup resume'))).toEqual(['backup resume prod']);
    expect(text).toBe('2 instances without a good archive within the target');
    expect(texts[1]).toMatch(/^🔴 \*test\* · no good archive yet/);
    expect(texts[2]).toMatch(
      /^🔴 \*prod\*.*🚧 maintenance mode on · no next run · paused by &lt;!channel&gt; until somebody resumes$/,
    );
  });

  it('names what cannot be read, takes it for unsafe, and shows the rest', () => {
    const settingsDamaged = standing({ targetSeconds: null, nextRun: null });
    const archivesDamaged = standing({ instance: 'test', latestGood: null, areArchivesRead: false });
    const { text, texts, commands } = read(
      home({
        standings: [settingsDamaged, archivesDamaged],
        auditHead: null,
        unreadable: ['record "prod/settings.json" cannot be read', '<!channel>'],
      }),
    );
    expect(text).toBe('2 instances without a good archive within the target');
    expect(texts[1]).toMatch(/Not everything can be read.*• record \\"prod\/settings.json\\".*&lt;!channel&gt;/);
    expect(texts[2]).toMatch(/^🔴 \*prod\* · newest good archive 2 h 20 min old.*target unknown/);
    expect(texts[3]).toMatch(/^🔴 \*test\* · its archives cannot be read/);
    expect(texts.join()).not.toContain('Audit');
    expect(commands).toContain('backup now prod');
  });

  it('begins with what waits for the person, decided in place', () => {
    const view = aView();
    const { texts, commands } = read(home({ waiting: [view], running: [view] }));
    expect(texts[0]).toBe('Waits for you');
    expect(commands.slice(0, 3)).toEqual([`approve ${view.run.id}`, `deny ${view.run.id}`, `run ${view.run.id}`]);
    expect(texts.indexOf('Running now')).toBeGreaterThan(texts.indexOf('Waits for you'));
  });

  it('offers no backup to whom the policy allows none', () => {
    expect(read(home({ canBackUp: [] })).commands).not.toContain('backup now prod');
  });

  it('takes two hundred instances and as many runs, and counts what it leaves out', () => {
    const many = Array.from({ length: 200 }, (_, n) => standing({ instance: `instance-${n}`, latestGood: null }));
    const runs = Array.from({ length: 200 }, (_, n) => aView({ run: { id: `run_${n}` } }));
    const { texts } = read(
      home({
        standings: many,
        waiting: runs,
        running: runs,
        canBackUp: many.map(({ instance }) => instance),
        recent: Array.from({ length: 10 }, () => aView({ run: { outcome: anOutcome({ word: 'failed' }) } }).run),
      }),
    );
    expect(texts.filter((words) => words.startsWith('and 175 more'))).toHaveLength(2);
    expect(texts.filter((words) => words.startsWith('and 180 more'))).toHaveLength(1);
    expect(texts.filter((words) => words.startsWith('and 192 more'))).toHaveLength(2);
  });
});
