/** What `npm start` can be told, understood before anything is started; a mistake is one sentence. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { faultsHelp, isFault, needsS3 } from './faults.ts';
import { PEOPLE } from './stand-ins.ts';

const PAGE_PORT = 4700;
const COMMAND = '/octo';

export const USAGE = `npm start -- [options]
  --once "/octo …"  type one command as --as, print what happens, end with the status of its outcome
  --as NAME         ${PEOPLE.join(', ')} (default ${PEOPLE[0]})
  --size MB         how much the Octopus instance holds (default 150; on first start only)
  --seed TEXT       another seed makes another instance (on first start only)
  --data DIR        where the sandbox lies (default .sandbox)
  --port N          of the page (default ${PAGE_PORT}; 0 takes a free one, as --once does)
  --approval        a backup needs the approval of another person, and cara may break the glass
  --spare           a second, freshly installed instance \`spare\` to restore onto; commands then name the one they mean
  --s3              the archives lie in S3, where the faults of the store can be played
  --fault NAME      something goes wrong from the start; may be given more than once, and is a switch on the page
  --help            this, and the faults
`;

export const HELP = `${USAGE}
Faults, each with the value it has unless you give another:
${faultsHelp()}
`;

export type Options = {
  isHelp: boolean;
  /** The command to type, with its `/octo`; null when the page stays open. */
  once: string | null;
  person: string;
  sizeMegabytes: number;
  seed: string;
  directory: string;
  port: number;
  needsApproval: boolean;
  hasSpare: boolean;
  hasS3: boolean;
  faults: string[];
};

/** The options, or what is wrong with them. */
export const readOptions = (argv: string[]): Options | string => {
  const given = parse(argv);
  if (typeof given === 'string') return given;
  const options = {
    isHelp: given.help,
    once: given.once === undefined ? null : commandOf(given.once),
    person: given.as,
    sizeMegabytes: Number(given.size),
    seed: given.seed,
    directory: resolve(given.data),
    port: Number(given.port ?? (given.once === undefined ? PAGE_PORT : 0)),
    needsApproval: given.approval,
    hasSpare: given.spare,
    hasS3: given.s3 || given.fault.some(needsS3),
    faults: given.fault,
  };
  const unknown = options.faults.filter((text) => !isFault(text));
  const mistakes = [
    !PEOPLE.includes(options.person) && `Nobody is called "${given.as}"; there is ${PEOPLE.join(', ')}.`,
    !(options.sizeMegabytes > 0 && Number.isFinite(options.sizeMegabytes)) &&
      `--size takes megabytes, not "${given.size}".`,
    !isPort(options.port) && `--port takes a number from 0 to 65535, not "${given.port}".`,
    unknown.length > 0 && `There is no fault ${unknown.join(', ')}; --help lists those there are.`,
  ];
  return mistakes.find((mistake) => mistake !== false) ?? options;
};

/** May a server be asked to listen there? */
export const isPort = (port: number): boolean => Number.isInteger(port) && port >= 0 && port <= 65_535;

const parse = (argv: string[]) => {
  try {
    return parseArgs({
      args: argv,
      options: {
        once: { type: 'string' },
        as: { type: 'string', default: PEOPLE[0] ?? '' },
        size: { type: 'string', default: '150' },
        seed: { type: 'string', default: 'octo' },
        data: { type: 'string', default: '.sandbox' },
        port: { type: 'string' },
        approval: { type: 'boolean', default: false },
        spare: { type: 'boolean', default: false },
        s3: { type: 'boolean', default: false },
        fault: { type: 'string', multiple: true, default: [] },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    return parseMistake(error);
  }
};

/** Node's own first sentence, when it is about the arguments. */
export const parseMistake = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code?.startsWith('ERR_PARSE_ARGS') !== true) throw error;
  return `${message.split(/\.\s/, 1)[0]?.replace(/\.$/, '')}.`;
};

const commandOf = (typed: string): string =>
  typed.trim().split(/\s/, 1)[0] === COMMAND ? typed.trim() : `${COMMAND} ${typed.trim()}`.trim();
