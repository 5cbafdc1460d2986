/**
 * What the Slack stand-in remembers: people, channels, messages, open forms and App Home tabs.
 *
 * Knows nothing of HTTP or of the app. With a directory, every change is on disk before anyone hears of it, so a
 * restart shows the same channel. Ids look like Slack's, times are Slack's `ts`: seconds and microseconds, never twice.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Block = { type: string; block_id?: string; [key: string]: unknown };
export type Person = { id: string; name: string; realName: string };
export type Channel = { id: string; name: string; isAppMember: boolean };

export type StoredMessage = {
  ts: string;
  channel: string;
  /** User id of the author. */
  user: string;
  text: string;
  blocks: Block[];
  threadTs: string | null;
  editedTs: string | null;
  /** User id of the only person who sees it, or `null` when everybody does. */
  visibleTo: string | null;
  metadata: unknown;
  reactions: { name: string; users: string[] }[];
  files: { id: string; name: string; sizeBytes: number }[];
};

export type StoredView = {
  id: string;
  /** User id of the person who sees it. */
  user: string;
  hash: string;
  body: { type: string; blocks: Block[]; [key: string]: unknown };
};

/** What changed, so that a page can follow without asking again. */
export type Change =
  | { kind: 'message'; message: StoredMessage }
  | { kind: 'deleted'; ts: string }
  | { kind: 'forms'; user: string }
  | { kind: 'home'; user: string };

type State = {
  messages: StoredMessage[];
  /** Stacks of open forms and App Home tabs, by user id. */
  forms: Record<string, StoredView[]>;
  homes: Record<string, StoredView>;
  lastTs: number;
  lastId: number;
};

export const TEAM = { id: 'T0OCTOPUS', domain: 'octopus-sandbox', name: 'Octopus sandbox' };
export const APP = { id: 'A0OCTO', botId: 'B0OCTO', userId: 'U0OCTO', name: 'octo' };

export type Workspace = ReturnType<typeof createWorkspace>;

/** Opens the workspace kept in `directory`, or a new one. `people` and `channel` are names. */
export const createWorkspace = (options: {
  channel: string;
  people: readonly string[];
  directory?: string | undefined;
  now: () => Date;
}) => {
  const { state, changed, onChange } = openState(options.directory);
  const channels: Channel[] = [
    { id: 'C0OCTOOPS', name: options.channel, isAppMember: true },
    { id: 'C0GENERAL', name: 'general', isAppMember: false },
  ];
  const people = options.people.map(personOf);

  const nextTs = (): string => {
    state.lastTs = Math.max(options.now().getTime() * 1000, state.lastTs + 1);
    return `${Math.floor(state.lastTs / 1e6)}.${String(state.lastTs % 1e6).padStart(6, '0')}`;
  };

  return {
    people,
    channels,
    now: options.now,
    /** `person` by name or by user id. */
    person: (nameOrId: string): Person | null =>
      people.find((person) => person.name === nameOrId || person.id === nameOrId) ?? null,
    nextId: (prefix: string): string => {
      state.lastId += 1;
      return `${prefix}0${state.lastId.toString(36).toUpperCase().padStart(7, '0')}`;
    },
    messages: (): readonly StoredMessage[] => state.messages,
    find: (ts: string): StoredMessage | null => state.messages.find((message) => message.ts === ts) ?? null,
    add: (message: Pick<StoredMessage, 'channel' | 'user' | 'text'> & Partial<StoredMessage>): StoredMessage => {
      const added = { ...blankMessage, ...message, ts: nextTs() };
      state.messages.push(added);
      changed({ kind: 'message', message: added });
      return added;
    },
    edit: (message: StoredMessage, edit: Partial<StoredMessage>): void => {
      Object.assign(message, edit);
      changed({ kind: 'message', message });
    },
    /** A time of the channel's own clock, never given twice. */
    stamp: nextTs,
    remove: (message: StoredMessage): void => {
      state.messages.splice(state.messages.indexOf(message), 1);
      changed({ kind: 'deleted', ts: message.ts });
    },
    forms: (user: string): readonly StoredView[] => state.forms[user] ?? [],
    setForms: (user: string, stack: StoredView[]): void => {
      state.forms[user] = stack;
      changed({ kind: 'forms', user });
    },
    home: (user: string): StoredView | null => state.homes[user] ?? null,
    setHome: (view: StoredView): void => {
      state.homes[view.user] = view;
      changed({ kind: 'home', user: view.user });
    },
    onChange,
  };
};

const personOf = (name: string): Person => ({
  id: `U0${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '')}`,
  name,
  realName: name.charAt(0).toUpperCase() + name.slice(1),
});

const blankMessage = {
  blocks: [] as Block[],
  threadTs: null,
  editedTs: null,
  visibleTo: null,
  metadata: null,
  reactions: [],
  files: [],
};

/** Slack names the blocks that the app left unnamed. */
export const withBlockIds = (blocks: readonly Block[]): Block[] =>
  blocks.map((block, index) => ({ ...block, block_id: block.block_id ?? `b${index}` }));

const emptyState = (): State => ({ messages: [], forms: {}, homes: {}, lastTs: 0, lastId: 0 });

/** The state, and what is done after each change: kept first, told then. */
const openState = (directory: string | undefined) => {
  const file = directory === undefined ? null : join(directory, 'slack.json');
  const state = file === null ? emptyState() : load(file);
  const listeners = new Set<(change: Change) => void>();
  return {
    state,
    changed: (change: Change): void => {
      if (file !== null) save(file, state);
      for (const listener of listeners) listener(change);
    },
    onChange: (listener: (change: Change) => void): (() => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
};

const load = (file: string): State => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as State;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return emptyState();
    throw error;
  }
};

const save = (file: string, state: State): void => {
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(`${file}.new`, JSON.stringify(state));
  renameSync(`${file}.new`, file);
};
