/** A host task as its worker keeps it on its own disk, from taking it to having reported it. */
import * as z from 'zod';

export const TaskResult = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('done'), output: z.unknown() }),
  /** `error` is a code of ours; `cause` our error as JSON. */
  z.strictObject({ kind: z.literal('failed'), error: z.string(), cause: z.string() }),
]);
export type TaskResult = z.infer<typeof TaskResult>;

export const TaskRecord = z.strictObject({
  body: z.object({
    token: z.string(),
    runId: z.string(),
    step: z.string(),
    state: z.string(),
    attempt: z.number().int(),
    notAfter: z.string(),
    input: z.unknown(),
  }),
  takenAt: z.string(),
  /** What is to be reported; null while the work is not done. */
  result: TaskResult.nullable(),
});
export type TaskRecord = z.infer<typeof TaskRecord>;
