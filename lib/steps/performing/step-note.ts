/**
 * Keeps the note of one state current in the run book while its step works.
 *
 * Progress is written at most every few seconds; the last words are always written. A note that cannot be written holds no
 * work up: the run book is what people see, not what decides.
 */
import type { OctoError } from '../../domain/errors.ts';
import type { RunRecord, StepNote } from '../../domain/runs/run.ts';
import type { World } from '../../ports/world.ts';
import { writeStepNote } from '../../repository/run-book.ts';

const PROGRESS_SECONDS = 5;

export type Progress = { percent?: number; text?: string };

export type NoteKeeper = {
  progress(progress: Progress): void;
  /** Writes how the state stands; with an error it failed. */
  end(ending: { status: StepNote['status']; error?: OctoError; text?: string }): Promise<void>;
};

type Beginning = { run: RunRecord; state: string; step: string; attempt: number };

/** Begins the note. `onTrouble` is told of notes that could not be written. */
export const keepNote = async (
  world: Pick<World, 'state' | 'clock'>,
  { run, state, step, attempt }: Beginning,
  onTrouble: (thrown: unknown) => void,
): Promise<NoteKeeper> => {
  const startedAt = world.clock.now().toISOString();
  const unchanging = { state, step, attempt, startedAt };
  let latest: StepNote = {
    ...unchanging,
    status: 'running',
    updatedAt: startedAt,
    endedAt: null,
    percent: null,
    text: '',
    error: null,
  };
  let writtenAtMs = Date.parse(startedAt);
  let writing: Promise<unknown> = Promise.resolve();
  const write = (): Promise<unknown> => {
    const note = latest;
    writtenAtMs = Date.parse(note.updatedAt);
    writing = writing.then(() => writeStepNote(world, run.id, note).catch(onTrouble));
    return writing;
  };
  const change = (changes: Partial<StepNote>): void => {
    latest = { ...latest, ...changes, updatedAt: world.clock.now().toISOString() };
  };

  await write();
  return {
    progress: ({ percent = latest.percent, text = latest.text }) => {
      if (percent === latest.percent && text === latest.text) return;
      change({ percent, text });
      if (Date.parse(latest.updatedAt) - writtenAtMs >= PROGRESS_SECONDS * 1000) void write();
    },
    end: async ({ status, error, text = latest.text }) => {
      change({ status, text, error: error ? errorRecordOf(error, state) : null });
      if (status !== 'running') change({ endedAt: latest.updatedAt });
      await write();
    },
  };
};

const errorRecordOf = (error: OctoError, state: string): StepNote['error'] => ({
  code: error.code,
  message: error.message,
  advice: error.advice,
  state,
});
