/**
 * What a command is: one declaration gives its grammar, its help, its argument errors and its work.
 *
 * A command never runs a step: it reads, or it asks for a run.
 */
import type { Reply } from '../domain/reply.ts';
import type { RunRecord } from '../domain/run.ts';
import type { World } from '../ports/world.ts';

export type Declaration = {
  /** The words that name it, e.g. `['backup', 'now']`. */
  words: readonly string[];
  summary: string;
  /** In order; those that may be left out come last. */
  positionals: readonly { name: string; summary: string; isOptional?: boolean }[];
  /** `name:value` anywhere in the command; `values` lists what is accepted, absent means any text. */
  options: Readonly<Record<string, { summary: string; values?: readonly string[] }>>;
  /** It asks for a run, so something must be there to carry the run out. */
  startsRun?: boolean;
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
  perform(world: World, args: Arguments, request: Request): Promise<Reply>;
};
