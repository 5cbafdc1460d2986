/** How the AWS stand-ins say no: an error with the code, the status and the text that the service itself would send. */

export type Refusal = Error & { code: string; status: number; fields: Record<string, string> };

export const refusal = (
  status: number,
  code: string,
  { message = code, ...fields }: { message?: string; [field: string]: string } = {},
): Refusal => Object.assign(new Error(message), { code, status, fields });

export const isRefusal = (error: unknown): error is Refusal =>
  error instanceof Error && 'status' in error && 'code' in error;
