/**
 * The catalogue of error codes and the one error class.
 *
 * A code is also the error name in Step Functions and in the Retry and Catch of our definitions. `toJSON` and
 * `fromJSON` carry an error across processes; facts are plain values and never secrets.
 */
import { approvalErrors } from './errors/approval.ts';
import { archiveErrors } from './errors/archive.ts';
import { auditErrors } from './errors/audit.ts';
import { awsErrors } from './errors/aws.ts';
import { backupErrors } from './errors/backup.ts';
import { configErrors } from './errors/config.ts';
import { drillErrors } from './errors/drill.ts';
import { engineErrors } from './errors/engine.ts';
import { errorGroup } from './errors/entry.ts';
import { keysErrors } from './errors/keys.ts';
import { octopusErrors } from './errors/octopus.ts';
import { restoreErrors } from './errors/restore.ts';
import { restoreDatabaseErrors } from './errors/restore-database.ts';
import { restoreFoldersErrors } from './errors/restore-folders.ts';
import { retentionErrors } from './errors/retention.ts';
import { scheduleErrors } from './errors/schedule.ts';
import { slackErrors } from './errors/slack.ts';
import { sqlServerErrors } from './errors/sql-server.ts';
import { storeErrors } from './errors/store.ts';
import { workerErrors } from './errors/worker.ts';

export const catalogue = {
  ...errorGroup({
    Bug: { retry: false, advice: 'This is a mistake in the program. Report it with the run id; nothing more is done.' },
    Cancelled: { retry: false, advice: 'The run was stopped on request. Start it again when you are ready.' },
  }),
  ...approvalErrors,
  ...archiveErrors,
  ...auditErrors,
  ...awsErrors,
  ...backupErrors,
  ...configErrors,
  ...drillErrors,
  ...engineErrors,
  ...keysErrors,
  ...octopusErrors,
  ...restoreErrors,
  ...restoreDatabaseErrors,
  ...restoreFoldersErrors,
  ...retentionErrors,
  ...scheduleErrors,
  ...slackErrors,
  ...sqlServerErrors,
  ...storeErrors,
  ...workerErrors,
};

export type ErrorCode = keyof typeof catalogue;

export type Facts = Record<string, string | number | boolean | null | readonly (string | number)[]>;

export type ErrorJson = { code: ErrorCode; message: string; facts: Facts };

/** An expected failure. The message is lower case and names the thing that failed; the advice comes from the catalogue. */
export class OctoError extends Error {
  readonly code: ErrorCode;
  readonly facts: Facts;

  constructor(code: ErrorCode, message: string, detail: { cause?: unknown; facts?: Facts } = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = code;
    this.code = code;
    this.facts = detail.facts ?? {};
  }

  get advice(): string {
    return catalogue[this.code].advice;
  }

  get canRetry(): boolean {
    return catalogue[this.code].retry;
  }

  toJSON(): ErrorJson {
    return { code: this.code, message: this.message, facts: this.facts };
  }

  static fromJSON(json: ErrorJson): OctoError {
    return isErrorCode(json.code)
      ? new OctoError(json.code, json.message, { facts: json.facts })
      : new OctoError('Bug', `unknown error code ${String(json.code)}: ${json.message}`);
  }

  /** Any thrown value as an OctoError: what is not ours is a `Bug`, with the original as its cause. */
  static from(thrown: unknown): OctoError {
    if (thrown instanceof OctoError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new OctoError('Bug', message, { cause: thrown });
  }
}

export const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(catalogue, code);

export const isOctoError = (thrown: unknown, ...codes: ErrorCode[]): thrown is OctoError =>
  thrown instanceof OctoError && (codes.length === 0 || codes.includes(thrown.code));
