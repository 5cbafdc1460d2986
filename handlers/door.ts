/** What every door of the cloud has: middy around what it does, and one line in the log for what it could not do. */
import wrap, { type MiddyfiedHandler } from '@middy/core';
import type { Context } from 'aws-lambda';
import { createLog } from '../lib/log.ts';

/** A Lambda handler. What `handle` throws is logged and left to Lambda: it is its caller's to try again. */
export const door = <Event, Result>(
  name: string,
  handle: (event: Event, context: Context) => Promise<Result>,
): MiddyfiedHandler<Event, Result> =>
  wrap<Event, Result>(handle).onError(({ error, context }) =>
    createLog().error(`${name} failed`, { error, call: context.awsRequestId }),
  );
