/** The short form of `npm run rehearse`: built functions, the worker as a process, and everything of AWS behind its wire. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { partNames, rehearse } from '../../sandbox/rehearse.ts';

test('a backup goes the whole way, from the channel through the functions to the worker and back', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'octo-rehearsal-'));
  try {
    const lines: string[] = [];
    const done = await rehearse({ directory, say: (line) => lines.push(line), parts: ['a backup'] });
    expect(done).toEqual([expect.objectContaining({ name: 'a backup', word: expect.stringMatching(/^Backup good/) })]);
    expect(lines.join('\n')).toContain(done[0]!.runId);
    expect(done[0]!.counted['transitions']).toBeGreaterThan(15);
    expect(partNames()).toHaveLength(4);
  } finally {
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}, 240_000);
