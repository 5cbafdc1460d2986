/**
 * What a command is: one declaration gives its grammar, its help, its argument errors and its work.
 *
 * A command never runs a step: it reads, or it asks for a run.
 */
import type { Reply } from '../../domain/reply.ts';
import type { RunRecord } from '../../domain/runs/run.ts';
import type { ChatForm } from '../../ports/chat.ts';
import type { World } from '../../ports/world.ts';

export type Declaration = {
  /** The words that name it, e.g. `['backup', 'now']`. */
  words: readonly string[];
  /** Of two verbs with the same words it is this one where this word stands as well, e.g. `only:file`. */
  mark?: string;
  summary: string;
  /** In order; those that may be left out come last. One that `isWord` is typed as it is named, and is no argument. */
  positionals: readonly { name: string; summary: string; isOptional?: boolean; isWord?: boolean }[];
  /** Anywhere in the command: `name:value`, where `values` lists what is accepted and absent means any text; or a bare `--name`. */
  options: Readonly<Record<string, { summary: string; values?: readonly string[]; isFlag?: boolean }>>;
  /** It asks for a run, so something must be there to carry the run out. */
  startsRun?: boolean;
  /** It changes something, or does with some arguments: the audit keeps that it was asked for and what came of it. */
  changes?: boolean | ((args: Arguments) => boolean);
  /** It takes protection away, so changes by it are only for people whom `octo.yml` knows; where it names none, for everybody. */
  isForKnown?: boolean;
  /** One right example, shown with every error. */
  example: string;
};

export type Arguments = {
  positionals: Readonly<Record<string, string>>;
  options: Readonly<Record<string, string>>;
};

/** Who asks, through which door, and what makes the request one of a kind (so that a repeated delivery is the same run). */
export type Request = {
  by: RunRecord['requestedBy'];
  requestKey: string;
  /** Tells the person that long work goes on; may be called often. */
  onProgress?: (line: string) => void;
  signal?: AbortSignal;
};

export type Command = Declaration & {
  /** The form to open where forms can be shown; null when the words say it all already. Sent, it is this command: `forms.ts`. */
  form?(world: World, args: Arguments, request: Request): Promise<ChatForm | null>;
  perform(world: World, args: Arguments, request: Request): Promise<Reply>;
};

/** The flag of every command that can show what it would do: with it, nothing is started, changed or audited. */
export const PLAN = { plan: { summary: 'show what would happen, and do nothing', isFlag: true } } as const;

/** Was only the plan asked for? */
export const isPlanOnly = ({ options }: Arguments): boolean => 'plan' in options;

/** Does the command change anything when it is given these arguments? */
export const isChange = ({ changes = false }: Declaration, args: Arguments): boolean =>
  !isPlanOnly(args) && (typeof changes === 'function' ? changes(args) : changes);
