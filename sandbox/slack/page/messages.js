/** The channel and the thread as lists of messages, drawn anew at each change. */
import { el, mrkdwn, nearDay, renderBlocks } from './blocks.js';
import { $, contextFor, nameOf, seen } from './link.js';

/** The coloured square of a person or app. */
export const avatar = (id) => {
  const at = seen.people.findIndex((person) => person.id === id);
  if (id === seen.app.userId) return el('span', { className: 'avatar app', ariaHidden: 'true' }, '🐙');
  return el(
    'span',
    { className: `avatar${at === -1 ? '' : ` tint-${at % 3}`}`, ariaHidden: 'true' },
    nameOf(id).charAt(0).toUpperCase(),
  );
};

const FOLLOWS_SECONDS = 300;

const follows = (before, message) =>
  before !== undefined &&
  before.user === message.user &&
  before.blocks.length + message.blocks.length === 0 &&
  before.visibleTo === message.visibleTo &&
  Number(message.ts) - Number(before.ts) < FOLLOWS_SECONDS;

const showMessage = (message, before) => {
  const at = new Date(Number(message.ts) * 1000);
  const replies = [...seen.messages.values()].filter((one) => one.threadTs === message.ts);
  const isApp = message.user === seen.app.userId || message.user === 'USLACKBOT';
  const content =
    message.blocks.length > 0
      ? renderBlocks(message.blocks, contextFor(message.ts))
      : el('div', { className: 'text' }, mrkdwn(message.text, contextFor(message.ts)));
  return el(
    'li',
    {
      className: `message${follows(before, message) ? ' follows' : ''}${message.visibleTo ? ' private' : ''}`,
      'data-ts': message.ts,
    },
    avatar(message.user),
    el(
      'div',
      { className: 'body' },
      el(
        'div',
        { className: 'by' },
        el('b', {}, nameOf(message.user)),
        isApp && el('span', { className: 'badge' }, 'APP'),
        el(
          'time',
          { dateTime: at.toISOString(), title: at.toLocaleString() },
          at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }),
        ),
      ),
      message.visibleTo && el('div', { className: 'only-you' }, '👁 Only visible to you'),
      content,
      message.files.map((file) =>
        el('div', { className: 'block' }, el('a', { href: `/upload/${file.id}` }, `📄 ${file.name}`)),
      ),
      message.editedTs && message.blocks.length === 0 && el('span', { className: 'edited' }, '(edited)'),
      message.reactions.length > 0 &&
        el(
          'div',
          { className: 'context' },
          message.reactions.map((one) => `:${one.name}: ${one.users.length}`),
        ),
      message.threadTs === null && threadButton(message, replies.length),
    ),
  );
};

const threadButton = (message, count) => {
  if (message.visibleTo !== null) return null;
  const label = count === 0 ? 'Reply in thread' : `${count} ${count === 1 ? 'reply' : 'replies'}`;
  const button = el('button', { type: 'button', className: `replies${count === 0 ? ' open-thread' : ''}` }, label);
  button.addEventListener('click', () => openThread(message.ts));
  return button;
};

const dayOf = (message) => new Date(Number(message.ts) * 1000).toDateString();

const dayLine = (message) => {
  const date = new Date(Number(message.ts) * 1000);
  const near = nearDay(date);
  return el(
    'li',
    { className: 'day' },
    near === null
      ? date.toLocaleDateString([], { weekday: 'long', month: 'long', day: 'numeric' })
      : near.charAt(0).toUpperCase() + near.slice(1),
  );
};

/** Draws a list anew, keeps the focused control, and stays at the newest unless the reader scrolled up. */
const fill = (list, messages) => {
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.action : undefined;
  const focusedTs = document.activeElement?.closest?.('[data-ts]')?.dataset.ts;
  list.replaceChildren(
    ...messages.flatMap((message, at) => {
      const before = messages[at - 1];
      const isNewDay = before === undefined || dayOf(before) !== dayOf(message);
      return [...(isNewDay ? [dayLine(message)] : []), showMessage(message, isNewDay ? undefined : before)];
    }),
  );
  if (focused !== undefined)
    list.querySelector(`[data-ts="${focusedTs}"] [data-action="${CSS.escape(focused)}"]`)?.focus();
  if (isAtEnd) list.scrollTop = list.scrollHeight;
};

/** Draws channel and thread from what was seen. */
export const showAll = () => {
  const all = [...seen.messages.values()].sort((a, b) => Number(a.ts) - Number(b.ts));
  fill(
    $('messages'),
    all.filter((message) => message.threadTs === null),
  );
  if (all.length === 0)
    $('messages').append(
      el(
        'li',
        { className: 'empty' },
        el('strong', {}, `# ${seen.channel.name}`),
        'Type ',
        el('code', {}, `${seen.command} backup now`),
        ' to take the first backup.',
      ),
    );
  if (seen.thread !== null)
    fill(
      $('thread-messages'),
      all.filter((message) => message.ts === seen.thread || message.threadTs === seen.thread),
    );
};

/** Shows the thread under `ts`, or closes it. */
export const openThread = (ts) => {
  seen.thread = ts;
  $('thread').hidden = ts === null;
  showAll();
  if (ts !== null) $('thread-text').focus();
};
