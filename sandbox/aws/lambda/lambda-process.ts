/**
 * A built function in processes of its own, as Lambda runs it: each has its own environment and serves one event at a time; while
 * all are busy another is started. A cold start is a new process.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LambdaFunction } from '../lambda.ts';

const ENVIRONMENT = join(import.meta.dirname, 'environment.mjs');

export type LambdaProcess = {
  call: LambdaFunction;
  /** From now on every call is, or is not, a cold start. */
  setCold(isCold: boolean): void;
  close(): Promise<void>;
};

type Answer = { payload: unknown } | { error: { name: string; message: string; stack: string } };

/** `file` exports `handler`; `environment` is asked for whenever a process starts. */
export const lambdaProcess = (file: string, environment: () => Record<string, string>): LambdaProcess => {
  const all = new Set<ChildProcess>();
  let idle: ChildProcess[] = [];
  let isCold = false;

  const start = (): ChildProcess => {
    const child = fork(ENVIRONMENT, [file], {
      env: environment(),
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    all.add(child);
    child.once('exit', () => {
      all.delete(child);
      idle = idle.filter((one) => one !== child);
    });
    return child;
  };

  return {
    call: async (event, context) => {
      const child = idle.pop() ?? start();
      child.send({ event, context });
      const answer = await Promise.race([
        once(child, 'message').then(([message]) => message as Answer),
        once(child, 'exit').then((): Answer => ({
          error: { name: 'Runtime.ExitError', message: 'exited', stack: '' },
        })),
      ]);
      if (isCold) child.kill();
      else idle.push(child);
      if ('payload' in answer) return answer.payload;
      throw Object.assign(new Error(answer.error.message), answer.error);
    },
    setCold: (value) => {
      isCold = value;
      if (isCold) for (const child of idle.splice(0)) child.kill();
    },
    close: async () => {
      const ending = [...all].filter((child) => child.kill());
      await Promise.all(ending.map((child) => once(child, 'exit')));
    },
  };
};
