/**
 * A thread of the crew: takes one job at a time and answers it. Plain synchronous code, no SDK: it starts in 30 ms.
 */
import { parentPort } from 'node:worker_threads';
import { packFiles } from './pack-files.ts';
import { hashFile, namePages, nameShiftedPages, packSpans } from './pages.ts';
import { unpackBlocks } from './unpack-blocks.ts';

const jobs = { packFiles, unpackBlocks, namePages, nameShiftedPages, packSpans, hashFile };
export type Jobs = typeof jobs;

parentPort!.on('message', ({ job, input }: { job: keyof Jobs; input: never }) => {
  try {
    parentPort!.postMessage({ result: (jobs[job] as (input: never) => unknown)(input) }, []);
  } catch (thrown) {
    const { message, code } = thrown as NodeJS.ErrnoException;
    parentPort!.postMessage({ failure: { message, code } }, []);
  }
});
