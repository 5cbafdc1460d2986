/** Who did what, from the first typed word to the end of the run: the audit of a real installation, read and checked. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { headText } from '../../lib/domain/audit.ts';
import { newestEntries, readAuditHead, verifyAudit } from '../../lib/repository/audit.ts';
import { type Installation, eventually, install } from './installation.ts';

let place: Installation;

beforeAll(async () => {
  place = await install();
});
afterAll(() => place.remove());

const entriesOf = async () =>
  (await Array.fromAsync(newestEntries(place.world))).flatMap(({ entry }) => entry ?? []).toReversed();

/** The answer that only the person who typed sees. */
const answerTo = async (person: string, command: string): Promise<string> => {
  const before = place.slack.api.messages().length;
  await place.slack.api.type(person, command);
  return eventually(`an answer to ${command}`, async () => {
    const own = place.slack.api
      .messages()
      .slice(before)
      .find(({ visibleTo }) => visibleTo !== null);
    return own === undefined ? null : JSON.stringify(own.blocks);
  });
};

describe('the audit', () => {
  it('tells a backup from its request to its outcome, once, also over a kill', async () => {
    const runId = await place.ask('ana', '/octo backup now consistency:online reason:"before the upgrade"');
    await place.until(
      runId,
      ({ run, steps }) => run.status === 'ended' || steps.some(({ state }) => state === 'Report'),
    );
    await place.kill();
    await place.start();
    const { run } = await place.until(runId, (view) => view.run.auditHead !== undefined);
    const ends = (await entriesOf()).filter((entry) => entry.runId === runId && entry.act === 'backup run');
    expect(ends).toMatchObject([
      {
        who: { person: 'octo', door: 'workflow' },
        stage: 'done',
        on: 'prod',
        detail: { outcome: 'good', askedBy: { person: 'ana', door: 'slack' }, archive: run.archiveId },
      },
    ]);
    expect(run.auditHead).toMatch(new RegExp(`^${ends[0]!.n}:[0-9a-f]{16}$`));
    await eventually('the card to show the head', async () => {
      const cards = place.slack.api.messages().map(({ blocks }) => JSON.stringify(blocks));
      return cards.find((card) => card.includes(`audit ${run.auditHead}`)) ?? null;
    });
    const [intent, done] = await entriesOf();
    expect(intent).toMatchObject({
      n: 1,
      who: { person: 'ana', door: 'slack' },
      act: 'backup now',
      stage: 'intent',
      detail: { reason: 'before the upgrade' },
    });
    expect(done).toMatchObject({ act: 'backup now', stage: 'done', runId, detail: { intent: 1 } });
  });

  it('keeps holds and refusals, and shows and checks itself in Slack', async () => {
    expect(await answerTo('ben', '/octo backup hold latest reason:"for <@UANA|ana>"')).toContain('is held');
    expect(await answerTo('ana', '/octo backup delete latest')).toContain('ArgumentInvalid');
    const { archiveId } = (await place.ended((await entriesOf()).find(({ runId }) => runId)!.runId!)).run;
    expect(await answerTo('ana', `/octo backup delete ${archiveId}`)).toContain('ArchiveHeld');
    const entries = await entriesOf();
    expect(entries.filter(({ stage }) => stage === 'refused')).toMatchObject([
      { who: { person: 'ana' }, act: 'backup delete', on: 'latest' },
      { who: { person: 'ana' }, act: 'backup delete', on: archiveId, detail: { code: 'ArchiveHeld' } },
    ]);
    expect(entries.find(({ act }) => act === 'backup hold')?.detail).toMatchObject({ reason: 'for UANA' });

    const head = await readAuditHead(place.world);
    expect(await answerTo('ben', '/octo audit')).toContain(headText(head, 16));
    expect(await answerTo('ben', `/octo audit verify head:${headText(head)}`)).toContain('The audit is whole');
    expect((await verifyAudit(place.world, head)).findings).toEqual([]);
  });
});
