/** `/octo help [verb]`: made from the declarations, so it cannot be out of date. */
import { columns } from '../../domain/reply.ts';
import type { Command, Declaration } from './command.ts';
import { nearestTo, usage, usageInShort } from './parse.ts';

export const helpIn = (verbs: readonly Command[]): Command => ({
  words: ['help'],
  summary: 'Every command, or one in full.',
  positionals: [
    { name: 'verb', summary: 'a command', isOptional: true },
    { name: 'second', summary: 'its second word', isOptional: true },
  ],
  options: {},
  example: '/octo help backup now',
  perform: async (_world, { positionals }) => {
    const asked = [positionals['verb'], positionals['second']]
      .filter((word) => word !== undefined)
      .join(' ')
      .toLowerCase();
    const named = verbs.filter(({ words }) => words.join(' ').startsWith(asked));
    const nearest = nearestTo(asked, verbs);
    const chosen = named.length === 0 && nearest !== undefined ? [nearest] : named;
    const [only] = chosen;
    const isOne = asked !== '' && chosen.length === 1 && only !== undefined;
    return {
      headline: isOne ? only.summary : 'What you can ask for:',
      lines: isOne ? inFull(only) : overview(chosen),
      json: chosen.map((verb) => ({ usage: usage(verb), summary: verb.summary, example: verb.example })),
    };
  },
});

const overview = (chosen: readonly Declaration[]): string[] => [
  ...columns(chosen.map((verb) => [usageInShort(verb), verb.summary])),
  '',
  'Each begins with /octo. What else one takes, with an example: /octo help backup now',
];

const inFull = (verb: Declaration): string[] => [
  `Usage: /octo ${usage(verb)}`,
  ...columns([
    ...verb.positionals.map(({ name, summary }) => [`  ${name}`, summary]),
    ...Object.entries(verb.options).map(([name, { summary, isFlag }]) => [
      isFlag === true ? `  --${name}` : `  ${name}:`,
      summary,
    ]),
  ]),
  `Example: ${verb.example}`,
];
