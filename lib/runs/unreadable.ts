/**
 * What a view cannot read is left out and named: one damaged record must not hide how everything else stands.
 * Only views may look away like this; whoever decides or writes fails.
 */
import { OctoError } from '../domain/errors.ts';

export type Unreadable = {
  /** What could not be read, as sentences; each once. */
  named: () => string[];
  note: (thrown: unknown) => void;
  /** What was read; `null`, and a name more, when it cannot be. */
  orNull: <T>(reading: Promise<T>) => Promise<T | null>;
};

/** Collects what could not be read. A mistake of ours is no damage, and is thrown on. */
export const unreadable = (): Unreadable => {
  const names = new Set<string>();
  const note = (thrown: unknown): void => {
    const error = OctoError.from(thrown);
    if (error.code === 'Bug') throw thrown;
    names.add(error.message);
  };
  return {
    named: () => [...names],
    note,
    orNull: async (reading) => {
      try {
        return await reading;
      } catch (thrown) {
        note(thrown);
        return null;
      }
    },
  };
};
