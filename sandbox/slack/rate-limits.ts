/**
 * Slack's rate limits where they matter here, and faults for tests: 429 with `Retry-After`, statuses, refusals by name.
 * @see https://docs.slack.dev/apis/web-api/rate-limits
 */

export type Fault = {
  /** Answered as `{ ok: false, error }`. */
  error?: string;
  /** Answered with 429 and this `Retry-After`. */
  retryAfterSeconds?: number;
  /** Answered with this HTTP status. */
  status?: number;
  times?: number;
};

type Answer = { status: number; body: Record<string, unknown>; headers: Record<string, string> };

/** One message a second and channel with short bursts; fifty edits a minute (tier 3). */
const ALLOWANCES = new Map([
  ['chat.postMessage', { burst: 30, everyMilliseconds: 1_000 }],
  ['chat.update', { burst: 50, everyMilliseconds: 1_200 }],
]);

export const createRateLimits = (now: () => Date) => {
  const faults = new Map<string, Fault & { left: number }>();
  const buckets = new Map<string, { tokens: number; at: number }>();

  const secondsToWait = (method: string, channel: string): number => {
    const allowance = ALLOWANCES.get(method);
    if (allowance === undefined) return 0;
    const [name, at] = [`${method} ${channel}`, now().getTime()];
    const bucket = buckets.get(name) ?? { tokens: allowance.burst, at };
    const tokens = Math.min(allowance.burst, bucket.tokens + (at - bucket.at) / allowance.everyMilliseconds);
    buckets.set(name, { tokens: tokens >= 1 ? tokens - 1 : tokens, at });
    return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) * allowance.everyMilliseconds) / 1000);
  };

  return {
    fail: (method: string, fault: Fault): void => {
      faults.set(method, { ...fault, left: fault.times ?? 1 });
    },
    /** The answer in place of the method's own, or `null` when the call may go on. */
    refusal: (method: string, channel: string): Answer | null => {
      const fault = faults.get(method);
      if (fault !== undefined && fault.left > 0) {
        fault.left -= 1;
        if (fault.retryAfterSeconds !== undefined) return limited(fault.retryAfterSeconds);
        return {
          status: fault.status ?? 200,
          body: { ok: false, error: fault.error ?? 'internal_error' },
          headers: {},
        };
      }
      const seconds = secondsToWait(method, channel);
      return seconds === 0 ? null : limited(seconds);
    },
  };
};

const limited = (seconds: number): Answer => ({
  status: 429,
  body: { ok: false, error: 'ratelimited' },
  headers: { 'retry-after': String(seconds) },
});
