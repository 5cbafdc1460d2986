/**
 * Requests to the AWS services beside the stores: how clients are set up, and what their refusals mean. Translated by error
 * name, then by status, never by message.
 */
import { OctoError, type ErrorCode } from '../../domain/errors.ts';

/** The region defaults to the SDK's own chain. Another address than AWS is given by `AWS_ENDPOINT_URL`, or by service. */
export type AwsPlace = { region?: string };

const CONNECT_MS = 5_000;
const MAX_ATTEMPTS = 5;

/** Settings for an SDK client; a socket that is silent for `silenceMs` is given up. */
export const clientOptions = ({ region }: AwsPlace, silenceMs = 15_000) => ({
  ...(region !== undefined && { region }),
  maxAttempts: MAX_ATTEMPTS,
  requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: silenceMs },
});

/** Awaits a request; what fails is told as ours. `codes` are those that mean something to the caller. @throws AwsUnavailable, AwsDenied, AwsRefused */
export const asking = async <T>(
  doing: string,
  request: Promise<T>,
  codes: Partial<Record<string, ErrorCode>> = {},
): Promise<T> => {
  try {
    return await request;
  } catch (error) {
    throw translate(error, doing, codes);
  }
};

/** The name that the service gave to its refusal. */
export const errorName = (thrown: unknown): string => {
  const original = thrown instanceof OctoError ? thrown.cause : thrown;
  return original instanceof Error ? original.name : '';
};

const translate = (error: unknown, doing: string, codes: Partial<Record<string, ErrorCode>>): unknown => {
  if (!(error instanceof Error) || error instanceof OctoError) return error;
  const code = codes[error.name] ?? BY_NAME[error.name] ?? byStatus(error);
  if (code === undefined) return error;
  return new OctoError(code, `${doing} failed (${error.name})`, { cause: error, facts: { name: error.name } });
};

const BY_NAME: Partial<Record<string, ErrorCode>> = {
  AccessDenied: 'AwsDenied',
  AccessDeniedException: 'AwsDenied',
  UnrecognizedClientException: 'AwsDenied',
  InvalidSignatureException: 'AwsDenied',
  ExpiredTokenException: 'AwsDenied',
  InvalidClientTokenId: 'AwsDenied',
  CredentialsProviderError: 'AwsDenied',
  KmsAccessDeniedException: 'AwsDenied',
  ThrottlingException: 'AwsUnavailable',
  RequestThrottled: 'AwsUnavailable',
  TooManyRequestsException: 'AwsUnavailable',
  TimeoutError: 'AwsUnavailable',
};

const byStatus = (error: Error): ErrorCode | undefined => {
  const status = '$metadata' in error ? (error.$metadata as { httpStatusCode?: number }).httpStatusCode : undefined;
  // Refused connections, lost names, broken pipes: everything that Node marks with a code may pass.
  if (status === undefined) return 'code' in error ? 'AwsUnavailable' : undefined;
  return status >= 500 || status === 429 ? 'AwsUnavailable' : 'AwsRefused';
};
