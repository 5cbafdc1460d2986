/**
 * The form that opens at once, before anything was read: Slack's trigger id lives three seconds, a store may take longer.
 *
 * Whether one is due is told from the words alone, so that a door knows it without grammar, store or policy.
 * @see https://docs.slack.dev/surfaces/modals
 */
import type { ChatForm } from '../../ports/chat.ts';
import { commandText, type SlackRequest } from '../receive.ts';

type Due = { title: string; /** What the words hold when they say all that the form would ask. */ unless: RegExp };

/** Commands that may open a form, by their first words. A test holds this against the commands' own declarations. */
const DUE: ReadonlyMap<string, Due> = new Map([
  ['backup settings', { title: 'Backup settings', unless: /\S:/ }],
  ['restore', { title: 'Restore', unless: /--plan|\bonly:file\b/ }],
  ['backup accept', { title: 'Accept the archive', unless: /\breason:/ }],
  ['restore', { title: 'Restore', unless: /--plan|\bonly:file\b/ }],
  ['approve', { title: 'Approve', unless: /\b(confirm|reason):|--break-glass/ }],
  ['deny', { title: 'Deny', unless: /\breason:/ }],
]);

/** The title of the form that is due, or `null` when the answer is a message in the channel. */
export const formDue = (request: SlackRequest): string | null => {
  if (request.kind === 'form') return request.view.title.text;
  const text = commandText(request);
  if (text === null) return null;
  const words = text.trim().toLowerCase().split(/\s+/);
  const due = DUE.get(words.slice(0, 2).join(' ')) ?? DUE.get(words[0] ?? '');
  if (due !== undefined && !due.unless.test(text)) return due.title;
  // Beside the channel a message would be overlooked: App Home and forms are answered where they are.
  return request.kind === 'action' && request.channel === null ? 'octo' : null;
};

/** Says that the answer is on its way. */
export const loadingForm = (title: string): ChatForm => ({
  type: 'modal',
  title: { type: 'plain_text', text: title },
  close: { type: 'plain_text', text: 'Close' },
  blocks: [{ type: 'section', text: { type: 'plain_text', text: '⏳ One moment …' } }],
});
