/**
 * The bad days of `faults.ts` as switches: which there are, which are on, and each turned on and off while the sandbox runs.
 *
 * Those of keys, folders, store and Slack change the same files or the same server, so there one ends where the next begins.
 */
import { areas, faults, type Mend, needsS3 } from './faults.ts';
import type { StandIns } from './stand-ins.ts';

export type FaultSwitch = {
  name: string;
  area: string;
  about: string;
  /** What it is set to, or would be; null for a fault without a value. */
  value: number | null;
  isOn: boolean;
  /** It happens once, and there is nothing to turn off. */
  isPassing: boolean;
  /** Why it cannot be turned now; null when it can. */
  why: string | null;
};

export type FaultBoard = {
  switches(): FaultSwitch[];
  /** Turns one on, with its own value unless another is given, or off. One after the other, whoever asks. */
  turn(name: string, to: { isOn: boolean; value?: number }): Promise<void>;
  onChange(listener: () => void): () => void;
  /** Ends all that are on. */
  mend(): Promise<void>;
};

/** Where only one at a time makes sense. */
const ONE_AT_A_TIME = new Set(['Keys', 'Folders', 'Store', 'Slack']);

/** The board over `standIns`. */
export const faultBoard = (standIns: StandIns): FaultBoard => {
  const on = new Map<string, { value: number; mend: Mend }>();
  const listeners = new Set<() => void>();
  let last: Promise<void> = Promise.resolve();

  const end = async (name: string): Promise<void> => {
    const ended = on.get(name);
    on.delete(name);
    await ended?.mend();
  };
  const begin = async (name: string, value: number): Promise<void> => {
    const fault = known(name);
    const mend = await fault.play(standIns, value);
    if (fault.isPassing !== true) on.set(name, { value, mend });
  };
  const turn: FaultBoard['turn'] = async (name, { isOn, value }) => {
    const usual = known(name).value ?? 0;
    const rivals = ONE_AT_A_TIME.has(areaOf(name)) ? [...on.keys()].filter((one) => areaOf(one) === areaOf(name)) : [];
    for (const rival of new Set([name, ...(isOn ? rivals : [])])) await end(rival);
    if (isOn) await begin(name, value ?? usual);
  };
  /** A fault that could not be played leaves the queue open for the next. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const done = last.then(work).finally(() => {
      for (const listener of listeners) listener();
    });
    last = done.catch(() => undefined);
    return done;
  };

  return {
    switches: () =>
      Object.entries(faults).map(([name, { about, value, isPassing = false }]) => ({
        name,
        area: areaOf(name),
        about,
        value: value === undefined ? null : (on.get(name)?.value ?? value),
        isOn: on.has(name),
        isPassing,
        why: needsS3(name) && standIns.s3 === null ? 'needs archives in S3: npm start -- --s3' : null,
      })),
    turn: (name, to) => inTurn(() => turn(name, to)),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    mend: () =>
      inTurn(async () => {
        for (const name of [...on.keys()].toReversed()) await end(name);
      }),
  };
};

const known = (name: string) => {
  const fault = Object.hasOwn(faults, name) ? faults[name] : undefined;
  if (fault === undefined) throw new Error(`there is no fault "${name}"`);
  return fault;
};

const areaOf = (name: string): string => Object.entries(areas).find(([, found]) => Object.hasOwn(found, name))![0];
