/** Accepting an archive that is suspicious or has gaps: what it counts as then, who may, and that it is one decision. */
import { describe, expect, it } from 'vitest';
import { perform } from '../../lib/commands/index.ts';
import { takeForm } from '../../lib/commands/grammar/forms.ts';
import { backupAccept } from '../../lib/commands/acceptance.ts';
import { Statement } from '../../lib/domain/runs/approval-policy.ts';
import type { Reply } from '../../lib/domain/reply.ts';
import { newestEntries } from '../../lib/repository/audit.ts';
import { latestGood, listArchives } from '../../lib/repository/catalog.ts';
import { markDamaged } from '../../lib/repository/damage.ts';
import { viewProblems } from '../../sandbox/slack/block-rules.ts';
import { archiveAged, commandsWorld } from './commands-world.ts';

const setUp = (...statements: unknown[]) => {
  const { world, ...on } = commandsWorld();
  const policy = {
    people: ['ana', 'ben'],
    groups: {},
    statements: statements.map((statement) => Statement.parse(statement)),
  };
  const ruled = { ...world, policy };
  let asked = 0;
  const request = (person: string) => ({
    by: { door: 'slack' as const, person, channel: null },
    requestKey: `test ${(asked += 1)}`,
  });
  const type = (text: string, person = 'ben'): Promise<Reply> => perform(ruled, text, request(person));
  return { ...on, world: ruled, type, request };
};

const SUSPICIOUS = archiveAged(1);
const odd = { word: 'suspicious' as const, unusual: ['the folders shrank by 40 %'] };

describe('backup accept', () => {
  it('makes it the newest good one, and says who and why wherever the archive is shown', async () => {
    const { world, seal, type } = setUp();
    await seal(5);
    await seal(1, odd);
    expect((await latestGood(world, 'prod'))?.archiveId).toBe(archiveAged(5));
    const reply = await type(`backup accept ${SUSPICIOUS} reason:"old releases were deleted"`);
    expect(reply.headline).toBe(`${SUSPICIOUS} is accepted by ben: from now on it counts as good.`);
    expect(reply.lines).toEqual(['unusual: the folders shrank by 40 %', 'The newest good archive is this one.']);
    expect((await latestGood(world, 'prod'))?.archiveId).toBe(SUSPICIOUS);
    expect((await type('backup show latest')).lines.join('\n')).toMatch(
      /accepted +by ben since .*, sealed as suspicious: old releases were deleted/,
    );
    expect((await type('backup list')).lines[0]).toContain('good, accepted');
    const [done] = await Array.fromAsync(newestEntries(world));
    expect(done?.entry).toMatchObject({ stage: 'done', act: 'backup accept', on: SUSPICIOUS, who: { person: 'ben' } });
  });

  it('takes gaps as well, and the manifest stays as it was sealed', async () => {
    const { world, seal, type } = setUp();
    const { archiveId } = await seal(1, { word: 'gaps', gaps: ['2 files missing'] });
    await type(`backup accept ${archiveId} reason:known`);
    const [counted] = await Array.fromAsync(listArchives(world, 'prod'));
    expect(counted).toMatchObject({ word: 'good', gaps: ['2 files missing'], accepted: { word: 'gaps', by: 'ben' } });
    const stored = await world.archives.read(`prod/archives/${archiveId}/manifest.json`);
    expect(JSON.parse(stored!.bytes.toString())).toMatchObject({ word: 'gaps' });
  });

  it('is said once: the first acceptance stands', async () => {
    const { seal, type } = setUp();
    await seal(1, odd);
    await Promise.all([
      type(`backup accept ${SUSPICIOUS} reason:one`, 'ana'),
      type(`backup accept ${SUSPICIOUS} reason:two`, 'ben'),
    ]);
    const again = await type(`backup accept ${SUSPICIOUS} reason:three`);
    expect(again.headline).toMatch(/was accepted before, by (ana|ben) at .*: (one|two)$/);
  });

  it('needs a reason, somebody whom octo.yml knows, and an archive that waits for it', async () => {
    const { world, seal, type } = setUp({ effect: 'deny', who: ['ana'], verbs: ['backup'] });
    await seal(1, odd);
    await seal(5);
    const refused = (code: string, text: string, person?: string) =>
      expect(type(text, person)).rejects.toMatchObject({ code });
    await refused('ApprovalReasonMissing', `backup accept ${SUSPICIOUS}`);
    await refused('AcceptNotYours', `backup accept ${SUSPICIOUS} reason:x`, 'mallory (slack)');
    await refused('AcceptNotYours', `backup accept ${SUSPICIOUS} reason:x`, 'ana');
    await refused('AcceptNotNeeded', `backup accept ${archiveAged(5)} reason:x`);
    await refused('ArchiveUnknown', `backup accept ${archiveAged(7)} reason:x`);
    await markDamaged(world, 'prod', [{ key: 'prod/packs/x', what: 'bad', archives: [SUSPICIOUS] }]);
    await refused('AcceptDamaged', `backup accept ${SUSPICIOUS} reason:x`);
  });

  it('asks for the reason in a form, which is the same command', async () => {
    const { world, seal, request } = setUp();
    await seal(1, { ...odd, unusual: Array.from({ length: 20 }, () => 'x'.repeat(900)) });
    const args = { positionals: { archive: SUSPICIOUS }, options: {} };
    const form = await backupAccept.form!(world, args, request('ben'));
    expect(viewProblems(form)).toEqual([]);
    expect(await backupAccept.form!(world, args, request('mallory (slack)'))).toBeNull();
    const sent = {
      callbackId: form!.callback_id!,
      privateMetadata: form!.private_metadata!,
      values: { reason: ' looked at it ' },
    };
    expect(await takeForm(world, sent, request('ben'))).toMatchObject({ json: { by: 'ben', reason: 'looked at it' } });
  });
});
