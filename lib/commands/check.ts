/** `/octo check`: every precondition, one line each, and a test message whose button proves the way back from Slack. */
import { checkInstance, type Finding } from '../checks/index.ts';
import { checkSlackGroups } from '../checks/slack.ts';
import { columns } from '../domain/reply.ts';
import type { Command } from './grammar/command.ts';
import { tryWayBack } from './way-back.ts';

export const check: Command = {
  words: ['check'],
  summary: 'Test every precondition of a backup: OK, WARN or FAIL, and what mends it. Posts a test message.',
  positionals: [{ name: 'instance', summary: 'which Octopus server', isOptional: true }],
  options: {},
  example: '/octo check prod',
  perform: async (world, { positionals }, request) => {
    const chosen = positionals['instance'];
    const names = chosen === undefined ? world.instanceNames() : [world.instance(chosen).name];
    const found = await Promise.all(
      names.map(async (instance) => ({ instance, findings: await checkInstance(world, instance) })),
    );
    const ofSlack = [...(await tryWayBack(world, request)), ...(await checkSlackGroups(world))];
    const all = [...found.flatMap(({ findings }) => findings), ...ofSlack];
    return {
      headline: headline(all),
      lines: [
        ...found.flatMap(({ instance, findings }) => [instance, ...columns(findings.map(row))]),
        ...(ofSlack.length === 0 ? [] : ['Slack', ...columns(ofSlack.map(row))]),
      ],
      json: {
        ...Object.fromEntries(found.map(({ instance, findings }) => [instance, findings])),
        // No instance has a name with a capital.
        ...(ofSlack.length === 0 ? {} : { Slack: ofSlack }),
      },
      isBad: all.some(({ verdict }) => verdict === 'FAIL'),
    };
  },
};

const headline = (findings: Finding[]): string => {
  const failed = findings.filter(({ verdict }) => verdict === 'FAIL').length;
  const warned = findings.filter(({ verdict }) => verdict === 'WARN').length;
  if (failed > 0) return `${failed} of ${findings.length} preconditions FAIL: a backup would not succeed.`;
  return warned > 0 ? `Ready, with ${warned} warning(s).` : 'Ready: every precondition holds.';
};

const row = ({ verdict, subject, text, act }: Finding): string[] => [
  `  ${verdict}`,
  subject,
  act === null ? text : `${text}. ${act}`,
];
