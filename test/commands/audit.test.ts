/** What commands leave in the audit, and how it is read and checked. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stateKeys } from '../../lib/domain/names.ts';
import { archiveAged, commandsWorld } from './commands-world.ts';

const headIn = (json: unknown): string => (json as { head: string }).head;

describe('the audit of commands', () => {
  it('keeps who asked for what, whole, and what came of it', async () => {
    const { seal, type } = commandsWorld();
    await seal(1);
    const reason = 'because '.repeat(500).trim();
    await type(`backup hold latest reason:"${reason}"`);
    await expect(type(`backup delete ${archiveAged(1)}`, 'ben')).rejects.toMatchObject({ code: 'ArchiveHeld' });
    const { lines, json } = await type('audit');
    expect(json).toMatchObject({
      entries: [
        {
          n: 4,
          who: { person: 'ben', door: 'slack' },
          act: 'backup delete',
          stage: 'refused',
          detail: { intent: 3, code: 'ArchiveHeld' },
        },
        { n: 3, who: { person: 'ben' }, act: 'backup delete', stage: 'intent', on: archiveAged(1) },
        { n: 2, who: { person: 'ana' }, act: 'backup hold', stage: 'done', detail: { intent: 1 } },
        { n: 1, who: { person: 'ana' }, act: 'backup hold', stage: 'intent', detail: { archive: 'latest', reason } },
      ],
      isCut: false,
    });
    expect(lines[0]).toMatch(/^4 .*ben \(slack\) +backup delete refused .*code: ArchiveHeld/);
    expect(lines[3]).toContain('more characters');
  });

  it('holds nothing of what only reads, or was not understood', async () => {
    const { type } = commandsWorld();
    await type('backup list');
    await type('keys status');
    await expect(type('backup hold')).rejects.toMatchObject({ code: 'ArgumentInvalid' });
    expect((await type('audit')).json).toMatchObject({ entries: [] });
  });

  it('is listed as far back as was asked, newest twenty otherwise', async () => {
    const { seal, type } = commandsWorld();
    await seal(1);
    for (let n = 0; n < 11; n++) await type('backup release latest');
    expect((await type('audit')).json).toMatchObject({ entries: { length: 20 }, isCut: true });
    expect((await type('audit since:1h')).json).toMatchObject({ entries: { length: 22 }, isCut: false });
    expect((await type('audit since:2026-03-05')).json).toMatchObject({ entries: [] });
    await expect(type('audit since:soon')).rejects.toMatchObject({ code: 'ArgumentInvalid' });
  });
});

describe('audit verify', () => {
  it('is good news as long as nobody touched it, and names what was touched', async () => {
    const { seal, type, directory } = commandsWorld();
    await seal(1);
    await type('backup hold latest');
    const head = headIn((await type('audit')).json);
    await type('backup release latest');
    expect(await type(`audit verify head:${head}`)).toMatchObject({
      isBad: false,
      json: { entryCount: 4, findings: [] },
    });
    expect(await type(`audit verify head=${head.slice(0, 18)}`)).toMatchObject({ isBad: false });

    writeFileSync(join(directory, 'state', stateKeys.audit(2)), '{}');
    const reply = await type(`audit verify head:${head}`);
    expect(reply).toMatchObject({ isBad: true, headline: expect.stringMatching(/TAMPERED/) });
    expect(reply.lines[0]).toBe('entry 2 cannot be read: it was changed');
    expect(await type('audit')).toMatchObject({
      isBad: true,
      lines: expect.arrayContaining([expect.stringContaining('Entry 2 cannot be read')]),
      json: { entries: { length: 3 }, unreadable: [2] },
    });
    await expect(type('backup hold latest')).resolves.toMatchObject({ headline: expect.stringContaining('is held') });
  });

  it('refuses a head that is none', async () => {
    const { type } = commandsWorld();
    await expect(type('audit verify head:17')).rejects.toMatchObject({ code: 'ArgumentInvalid' });
  });
});
