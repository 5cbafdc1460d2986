/** `/octo digest`: the last seven days of an instance in numbers, as it is also sent every Monday morning. */
import { readDigest } from '../runs/digest.ts';
import { digestWords } from '../slack/digest/digest.ts';
import type { Command } from './grammar/command.ts';
import { instanceNamed } from './grammar/instance.ts';

export const digest: Command = {
  words: ['digest'],
  summary: 'The last seven days: runs, archives, growth, quiet time, and what could have been lost.',
  positionals: [{ name: 'instance', summary: 'which Octopus server', isOptional: true }],
  options: {},
  example: '/octo digest prod',
  perform: async (world, { positionals }) => {
    const found = await readDigest(world, instanceNamed(world, positionals['instance']));
    return { ...digestWords(found.digest, found.auditHead), json: found };
  },
};
