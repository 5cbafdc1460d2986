/**
 * What a hand of the crew can do: plain synchronous code without SDK, in a thread that starts in 30 ms or, where there is
 * little to do, in the thread that asks.
 */
import { packFiles } from './pack-files.ts';
import { hashFile, namePages, nameShiftedPages, packSpans } from './pages.ts';
import { settleFiles } from './settle-files.ts';
import { unpackBlocks } from './unpack-blocks.ts';

const jobs = { packFiles, unpackBlocks, namePages, nameShiftedPages, packSpans, hashFile, settleFiles };
export type Jobs = typeof jobs;

export type Order = { [J in keyof Jobs]: { job: J; input: Parameters<Jobs[J]>[0] } }[keyof Jobs];
/** A failure as plain values: errors lose their code on the way between threads. */
export type Reply = { result: unknown } | { failure: { message: string; code?: string | undefined } };

export const perform = ({ job, input }: Order): Reply => {
  try {
    return { result: (jobs[job] as (given: typeof input) => unknown)(input) };
  } catch (thrown) {
    const { message, code } = thrown as NodeJS.ErrnoException;
    return { failure: { message, code } };
  }
};
