import { describe, expect, test } from 'vitest';
import { nameTasks, notesOnTasks, startedBetween, whatDisturbs, type SeenTask } from '../../lib/domain/runs/quiet.ts';

const NOW = new Date('2026-03-04T02:14:30Z');

const task = (id: string, state: string, more: Partial<SeenTask> = {}): SeenTask => ({
  id,
  state,
  description: `Deploy ${id}`,
  queuedAt: '2026-03-04T02:00:00Z',
  startedAt: state === 'Queued' || state === 'New' ? null : '2026-03-04T02:00:30Z',
  hasPendingInterruptions: false,
  ...more,
});
const node = (name: string, isDraining: boolean, isOffline = false) => ({ name, isDraining, isOffline });

describe('what disturbs', () => {
  test('nothing, when maintenance is on, all nodes drain and only waiting tasks are left', () => {
    const tasks = [
      task('T-1', 'Queued'),
      task('T-2', 'New'),
      task('T-3', 'Executing', { hasPendingInterruptions: true }),
    ];
    const nodes = [node('a', true), node('b', false, true)];
    expect(whatDisturbs({ isInMaintenance: true, nodes, tasks }, NOW)).toEqual([]);
  });

  test('each reason is told', () => {
    const tasks = [task('T-1', 'Executing'), task('T-2', 'Cancelling')];
    expect(whatDisturbs({ isInMaintenance: false, nodes: [node('a', false), node('b', true)], tasks }, NOW)).toEqual([
      'maintenance mode is off',
      'not drained: a',
      'at work: "Deploy T-1" (T-1, 14 min), "Deploy T-2" (T-2, 14 min)',
    ]);
  });
});

test('a queued task that is gone, or at work, has started in between', () => {
  const first = [task('T-1', 'Queued'), task('T-2', 'Queued'), task('T-3', 'New'), task('T-4', 'Executing')];
  const second = [task('T-1', 'Queued'), task('T-2', 'Executing'), task('T-5', 'Queued')];
  expect(startedBetween(first, second).map(({ id }) => id)).toEqual(['T-2', 'T-3']);
});

test('tasks that were left alone are noted', () => {
  const tasks = [
    task('T-1', 'Queued'),
    task('T-2', 'Executing', { hasPendingInterruptions: true }),
    task('T-3', 'Executing'),
  ];
  expect(notesOnTasks(tasks, NOW)).toEqual([
    '1 task waiting for a person: "Deploy T-2" (T-2, 14 min)',
    '1 task left in the queue: "Deploy T-1" (T-1, 14 min)',
  ]);
});

test('long lists are cut, and say so', () => {
  const tasks = Array.from({ length: 8 }, (_, index) =>
    task(`T-${index}`, 'Executing', { startedAt: '2026-03-03T02:00:00Z' }),
  );
  expect(nameTasks(tasks, NOW)).toMatch(/^"Deploy T-0" \(T-0, 24 h\), .*, 3 more$/);
});
