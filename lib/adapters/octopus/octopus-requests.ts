/**
 * One Octopus server's HTTP manners: the key in its header, a time limit for each call, pages, refusals as our errors.
 *
 * Reads are repeated with back-off when the server did not answer; so are writes, because every write we make may be made
 * twice: it sets a flag to a value, ends a task, or asks for an index that one more reading leaves the same. The key goes to the configured host only: redirects are refused, and so is a page
 * link to another host. Other clients leave the key on a redirect to anywhere.
 */
import * as z from 'zod';
import { OctoError } from '../../domain/errors.ts';
import type { ErrorCode } from '../../domain/errors.ts';
import type { OctopusHttpOptions } from '../octopus.http.ts';

export type OctopusRequests = {
  /** @throws OctopusAnswerInvalid when the answer is not of that shape */
  get<S extends z.ZodType>(path: string, shape: S): Promise<z.output<S>>;
  /** Sets something to a value; the answer is not looked at, since callers read back. */
  put(path: string, body: object): Promise<void>;
  /** @throws OctopusAnswerInvalid when the answer is not of that shape */
  post<S extends z.ZodType>(path: string, body: object, shape: S): Promise<z.output<S>>;
  /** The length of a file that the server hands out; its bytes are read to the end and dropped. */
  length(path: string): Promise<number>;
  /** Every item of a collection, following the links from page to page. */
  pages<S extends z.ZodType>(path: string, shape: S): AsyncIterable<z.output<S>>;
};

/** A busy server takes seconds for a list of tasks; none that is well takes this long. */
const TIMEOUT_SECONDS = 30;
/** A package may be gigabytes. */
const FILE_TIMEOUT_SECONDS = 600;
/** Waits between tries of a call that was not answered. */
const BACK_OFF_MS = [500, 2_000, 5_000] as const;
/** A server's own words in an error message are cut at this many characters. */
const REASON_CHARACTERS = 300;
/** More pages than any list we read can have: a link that leads back must not hold us for ever. */
const MAX_PAGES = 10_000;

const Page = z.object({
  Items: z.array(z.unknown()),
  Links: z.object({ 'Page.Next': z.string().optional() }).optional(),
});
const ErrorBody = z.object({ ErrorMessage: z.string().nullish(), Errors: z.array(z.string()).nullish() });

/** Requests to the server at `url`, which may end in a virtual directory. */
export const octopusRequests = (options: OctopusHttpOptions): OctopusRequests => {
  const base = new URL(options.url.endsWith('/') ? options.url : `${options.url}/`);
  const call = async (request: OctopusRequest): Promise<unknown> =>
    withRetries(options, async () => send(options, request));
  const answerTo = async <S extends z.ZodType>(request: OctopusRequest, shape: S): Promise<z.output<S>> => {
    const answer = shape.safeParse(await call(request));
    if (answer.success) return answer.data;
    const problem = z.prettifyError(answer.error).slice(0, REASON_CHARACTERS);
    throw new OctoError('OctopusAnswerInvalid', `the answer to ${nameOf(request)} is not the API’s`, {
      facts: { problem },
    });
  };
  const get = async <S extends z.ZodType>(url: URL, shape: S) => answerTo({ method: 'GET', url }, shape);
  const urlOf = (path: string): URL => new URL(path.replace(/^\//, ''), base);
  return {
    get: async (path, shape) => get(urlOf(path), shape),
    put: async (path, body) => {
      await call({ method: 'PUT', url: urlOf(path), body });
    },
    post: async (path, body, shape) => answerTo({ method: 'POST', url: urlOf(path), body }, shape),
    length: async (path) => withRetries(options, async () => measure(options, { method: 'GET', url: urlOf(path) })),
    pages: async function* (path, shape) {
      let url = urlOf(path);
      for (let count = 0; count < MAX_PAGES; count += 1) {
        const page = await get(url, Page);
        for (const item of page.Items) yield itemOf(url, item, shape);
        const next = page.Links?.['Page.Next'];
        if (next === undefined) return;
        url = nextUrl(url, next);
      }
      throw new OctoError('OctopusAnswerInvalid', `the pages of ${url.pathname} do not end`);
    },
  };
};

type OctopusRequest = { method: 'GET' | 'PUT' | 'POST'; url: URL; body?: object };

const nameOf = ({ method, url }: OctopusRequest): string => `${method} ${url.pathname}`;

const itemOf = <S extends z.ZodType>(url: URL, item: unknown, shape: S): z.output<S> => {
  const parsed = shape.safeParse(item);
  if (parsed.success) return parsed.data;
  const problem = z.prettifyError(parsed.error).slice(0, REASON_CHARACTERS);
  throw new OctoError('OctopusAnswerInvalid', `an item of ${url.pathname} is not the API’s`, { facts: { problem } });
};

const nextUrl = (from: URL, link: string): URL => {
  const next = new URL(link, from);
  if (next.origin === from.origin) return next;
  throw new OctoError('OctopusAnswerInvalid', `a page of ${from.pathname} leads to another host`, {
    facts: { host: next.host },
  });
};

const withRetries = async <T>({ clock }: OctopusHttpOptions, attempt: () => Promise<T>): Promise<T> => {
  for (const waitMs of BACK_OFF_MS) {
    try {
      return await attempt();
    } catch (thrown) {
      if (!(thrown instanceof OctoError) || !thrown.canRetry) throw thrown;
      await clock.sleep(waitMs);
    }
  }
  return attempt();
};

/** The parsed body of a good answer. */
const send = async (options: OctopusHttpOptions, request: OctopusRequest): Promise<unknown> =>
  exchange(options, request, async (response) => {
    const parsed = parseJson(await response.text());
    if (!response.ok) throw refusal(nameOf(request), response, parsed);
    if (parsed !== undefined) return parsed;
    throw new OctoError('OctopusAnswerInvalid', `the answer to ${nameOf(request)} on ${request.url.host} is no JSON`, {
      facts: { status: response.status },
    });
  });

/** A body that ends before its announced length is an error of `fetch`. */
const measure = async (options: OctopusHttpOptions, request: OctopusRequest): Promise<number> =>
  exchange({ ...options, timeoutSeconds: FILE_TIMEOUT_SECONDS }, request, async (response) => {
    if (!response.ok) throw refusal(nameOf(request), response, parseJson(await response.text()));
    let sizeBytes = 0;
    for await (const chunk of response.body ?? []) sizeBytes += (chunk as Uint8Array).length;
    return sizeBytes;
  });

/** One request, and what `read` makes of its answer within the same time limit. */
const exchange = async <T>(
  { apiKey, timeoutSeconds = TIMEOUT_SECONDS }: OctopusHttpOptions,
  request: OctopusRequest,
  read: (response: Response) => Promise<T>,
): Promise<T> => {
  const { method, url, body } = request;
  try {
    const response = await fetch(url, {
      method,
      headers: { 'X-Octopus-ApiKey': apiKey.reveal(), Accept: 'application/json', 'Content-Type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutSeconds * 1000),
    });
    return await read(response);
  } catch (cause) {
    if (cause instanceof OctoError) throw cause;
    throw new OctoError('OctopusUnavailable', `${nameOf(request)} on ${url.host} was not answered`, {
      cause,
      facts: { timeoutSeconds },
    });
  }
};

/** `undefined` for what is not JSON: proxies answer with pages. */
const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const CODES: Readonly<Record<number, ErrorCode>> = {
  400: 'OctopusRejected',
  401: 'OctopusUnauthorized',
  403: 'OctopusForbidden',
  404: 'OctopusNotFound',
  405: 'OctopusNotFound',
  408: 'OctopusUnavailable',
  409: 'OctopusRejected',
  429: 'OctopusUnavailable',
};

const refusal = (name: string, response: Response, body: unknown): OctoError => {
  const facts = { status: response.status };
  if (response.status >= 300 && response.status < 400) {
    return new OctoError('OctopusAnswerInvalid', `${name} was redirected`, { facts });
  }
  const code = CODES[response.status] ?? (response.status >= 500 ? 'OctopusUnavailable' : 'OctopusRejected');
  const reason = reasonOf(body);
  return new OctoError(code, `${name} was answered with ${response.status}${reason === '' ? '' : `: ${reason}`}`, {
    facts,
  });
};

/** The server's own words; any part of its error body may be missing. */
const reasonOf = (body: unknown): string => {
  const parsed = ErrorBody.safeParse(body);
  if (!parsed.success) return '';
  const words = [parsed.data.ErrorMessage, ...(parsed.data.Errors ?? [])].filter(Boolean).join(' ');
  return words.length > REASON_CHARACTERS ? `${words.slice(0, REASON_CHARACTERS)} […]` : words;
};
