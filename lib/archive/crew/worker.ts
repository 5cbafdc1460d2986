/** A thread of the crew: takes one job after the other and answers each. */
import { parentPort } from 'node:worker_threads';
import { type Order, perform } from './jobs.ts';

parentPort!.on('message', (order: Order) => parentPort!.postMessage(perform(order), []));
