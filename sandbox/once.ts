/**
 * `npm start -- --once "/octo …"`: one command typed into the channel, and the exit status of what came of it.
 *
 * The answer is read as a person reads it: a run that its sentence names is followed to its end, a code or the mark of bad
 * news is a failure, a form that opens is shown and left unsent.
 */
import type { SlackStandIn } from './slack/server.ts';
import { APP, type StoredMessage, type StoredView } from './slack/workspace.ts';
import { formLines, transcript } from './transcript.ts';

/** Commands answer within seconds, or at least say that they began. */
const ANSWER_MS = 30_000;
const BAD_NEWS = '🔴';
/** The statuses of `octo` in a terminal; whatever has another code was tried and failed. A test holds them together. */
const CODES_OF_STATUS: Readonly<Record<number, readonly string[]>> = {
  2: [
    'CommandUnknown',
    'ArgumentInvalid',
    'InstanceUnknown',
    'RunUnknown',
    'ArchiveUnknown',
    'ConfigMissing',
    'ConfigInvalid',
  ],
  5: ['ArchiveHeld', 'ArchiveInUse', 'ArchiveLocked', 'ArchiveNeeded', 'ServerFolderRefused'],
};
const STATUS_OF_CODE: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(CODES_OF_STATUS).flatMap(([status, codes]) => codes.map((code) => [code, Number(status)])),
);

type Once = {
  slack: SlackStandIn;
  person: string;
  command: string;
  say: (line: string) => void;
  /** Waits for a run to end; the status of its outcome. */
  follow: (runId: string) => Promise<number>;
  patienceMs?: number;
};

/** Types the command, prints what happens in the channel, and answers the exit status. */
export const typeOnce = async (once: Once): Promise<number> => {
  const { slack, person, command, say, follow, patienceMs = ANSWER_MS } = once;
  const print = transcript(say, (user) => slack.api.person(user)?.name ?? user);
  const heard = listen(slack, person, print);
  say(`${person}: ${command}`);
  await slack.api.type(person, command);
  const patience = setTimeout(() => heard.giveUp(), patienceMs).unref();
  const answer = await heard.answer;
  clearTimeout(patience);
  if (answer === null) {
    say(`Nothing was answered within ${patienceMs / 1000} seconds.`);
    return 1;
  }
  if ('message' in answer) return statusOf(answer.message, follow);
  const { id, body } = answer.form;
  for (const line of formLines(answer.form)) say(line);
  await slack.api.dismiss(person, id);
  if (!asksSomething(answer.form)) return statusOf({ user: APP.userId, ...wordsOf(body) }, follow);
  say('The form is closed unsent: --once fills in none; give its fields with the command.');
  return 0;
};

/** A form without a field is an answer; one that begins so is still to be filled with one. */
const asksSomething = ({ body }: StoredView): boolean => body.blocks.some(({ type }) => type === 'input');
const isLoading = ({ body }: StoredView): boolean => wordsOf(body).text.startsWith('⏳');
const wordsOf = ({ blocks }: StoredView['body']) => ({
  blocks,
  text: String((blocks[0]?.['text'] as { text?: string } | undefined)?.text),
});

/** The exit status that an answer stands for. */
export const statusOf = async (
  { user, text, blocks }: { user: string; text: string; blocks: readonly object[] },
  follow: (runId: string) => Promise<number>,
): Promise<number> => {
  const code = /"Code `(\w+)`"/.exec(JSON.stringify(blocks))?.[1];
  if (code !== undefined) return STATUS_OF_CODE[code] ?? 1;
  // Slack itself speaks up when the app did not take the command.
  if (text.startsWith(BAD_NEWS) || user === 'USLACKBOT') return 1;
  const runId = /run_[0-9A-Z]{8}/.exec(text)?.[0];
  return runId === undefined ? 0 : follow(runId);
};

type Heard = { message: StoredMessage } | { form: StoredView } | null;

/** What the channel says from now on, and the first answer to `person`: a message for these eyes only, or a form. */
const listen = (slack: SlackStandIn, person: string, print: (message: StoredMessage) => void) => {
  const { promise: answer, resolve } = Promise.withResolvers<Heard>();
  const id = slack.api.person(person)?.id;
  slack.api.onChange((change) => {
    if (change.kind === 'message') {
      print(change.message);
      if (change.message.visibleTo === id) resolve({ message: change.message });
    }
    const form = change.kind === 'forms' && change.user === id ? slack.api.forms(person).at(-1) : undefined;
    if (form !== undefined && !isLoading(form)) resolve({ form });
  });
  return { answer, giveUp: () => resolve(null) };
};
