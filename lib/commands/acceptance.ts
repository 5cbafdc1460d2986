/**
 * `/octo backup accept`: a person has looked at an archive that is suspicious or has gaps, and lets it count as good.
 *
 * Only people whom octo.yml knows accept, as with approvals; who did and why stays with the archive and in the audit.
 */
import { OctoError } from '../domain/errors.ts';
import { isArchiveId } from '../domain/names.ts';
import { requirement } from '../domain/runs/approval-policy.ts';
import type { World } from '../ports/world.ts';
import { readManifest, type CountedManifest } from '../repository/archives.ts';
import { findArchive, latestGood } from '../repository/catalog.ts';
import { damagedNames } from '../repository/damage.ts';
import { acceptArchive, type Acceptance } from '../repository/people/acceptances.ts';
import { policyFor } from '../repository/people/policy.ts';
import { noteAcceptance } from '../repository/run-book.ts';
import { acceptForm } from '../slack/forms/accept-form.ts';
import { utcTime } from '../slack/text.ts';
import { INSTANCE } from './archives.ts';
import type { Arguments, Command, Request } from './grammar/command.ts';
import { instanceNamed } from './grammar/instance.ts';

export const backupAccept: Command = {
  words: ['backup', 'accept'],
  changes: true,
  summary: 'Let an archive that is suspicious or has gaps count as good, with a reason.',
  positionals: [{ name: 'archive', summary: 'its id, as backup list shows it' }],
  options: { reason: { summary: 'what you found; kept with the archive' }, ...INSTANCE },
  example: '/octo backup accept arc_20260304T020000Z_7F3K9Q2M reason:"1,200 old releases were deleted on purpose"',
  form: async (world, args, { by }) => {
    if (args.options['reason'] !== undefined) return null;
    const manifest = await acceptable(world, args, by).catch(orRefused);
    return manifest === null || manifest.accepted !== undefined ? null : acceptForm(manifest);
  },
  perform: async (world, args, { by }) => {
    const manifest = await acceptable(world, args, by);
    const reason = args.options['reason'];
    if (reason === undefined) throw new OctoError('ApprovalReasonMissing', 'accepting an archive needs a reason');
    const { instance, archiveId, runId, word } = manifest;
    const asked: Acceptance = {
      by: by.person,
      reason,
      acceptedAt: world.clock.now().toISOString(),
      word: word === 'gaps' ? 'gaps' : 'suspicious',
    };
    const standing = manifest.accepted ?? (await acceptArchive(world, manifest, asked));
    await noteAcceptance(world, runId, standing);
    const newest = await latestGood(world, instance);
    return {
      headline:
        standing === asked
          ? `${archiveId} is accepted by ${by.person}: from now on it counts as good.`
          : `${archiveId} was accepted before, by ${standing.by} at ${utcTime(standing.acceptedAt)}: ${standing.reason}`,
      lines: [
        ...manifest.gaps.map((gap) => `gap: ${gap}`),
        ...(manifest.unusual ?? []).map((line) => `unusual: ${line}`),
        `The newest good archive is ${newest?.archiveId === archiveId ? 'this one' : (newest?.archiveId ?? 'none')}.`,
      ],
      json: { archive: archiveId, instance, sealedAs: standing.word, ...standing },
    };
  },
};

/** The archive, when this person may accept it now. @throws AcceptNotYours, AcceptNotNeeded, AcceptDamaged, ArchiveUnknown */
const acceptable = async (
  world: World,
  { positionals, options }: Arguments,
  by: Request['by'],
): Promise<CountedManifest> => {
  const instance = instanceNamed(world, options['instance']);
  const archiveId = positionals['archive'] ?? '';
  const asking = { verb: 'backup' as const, instance: world.instance(instance), by };
  const policy = await policyFor(world, instance);
  if (!policy.people.includes(by.person) || requirement(policy, asking).kind === 'denied')
    throw new OctoError('AcceptNotYours', `${by.person} may not accept archives of ${instance}`);
  const manifest = isArchiveId(archiveId)
    ? await readManifest(world, { instance, archiveId })
    : await findArchive(world, instance, archiveId);
  if (manifest === null) throw new OctoError('ArchiveUnknown', `instance ${instance} has no archive "${archiveId}"`);
  if (manifest.word === 'good' && manifest.accepted === undefined)
    throw new OctoError('AcceptNotNeeded', `${manifest.archiveId} is good by itself`);
  if ((await damagedNames(world, instance)).has(manifest.archiveId))
    throw new OctoError('AcceptDamaged', `${manifest.archiveId} was found damaged`);
  return manifest;
};

/** Whoever is refused gets no form: carrying the command out says why, into the audit too. */
const orRefused = (thrown: unknown): null => {
  if (thrown instanceof OctoError) return null;
  throw thrown;
};
