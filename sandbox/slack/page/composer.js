/** Typing: Enter sends, Tab completes the command, the arrow keys bring back what was typed before. */
import { el } from './blocks.js';
import { $, complain, post, seen } from './link.js';

const grow = (field) => {
  field.style.height = 'auto';
  field.style.height = `${field.scrollHeight}px`;
};

const send = async (field, threadTs) => {
  const text = field.value.trim();
  if (text === '') return;
  field.value = '';
  grow(field);
  showHints();
  if (threadTs === null) seen.typed.unshift(text);
  seen.recalled = -1;
  try {
    await post('type', { text, threadTs });
  } catch (error) {
    complain(String(error.message));
  }
};

const isHinting = () => !$('hints').hidden;

const showHints = () => {
  const { value } = $('text');
  const isMeant = value.startsWith('/') && seen.command.startsWith(value);
  $('hints').hidden = !isMeant;
  if (!isMeant) return;
  const hint = el(
    'div',
    { className: 'suggestion', role: 'option', ariaSelected: 'true' },
    el('b', {}, seen.command),
    el('span', {}, '[help | status | backup now | …]  octo'),
  );
  hint.addEventListener('mousedown', (event) => {
    event.preventDefault();
    complete();
  });
  $('hints').replaceChildren(hint);
};

const complete = () => {
  $('text').value = `${seen.command} `;
  $('text').focus();
  showHints();
};

const recall = (step) => {
  const at = Math.min(Math.max((seen.recalled ?? -1) + step, -1), seen.typed.length - 1);
  seen.recalled = at;
  $('text').value = seen.typed[at] ?? '';
  grow($('text'));
};

const onKey = (event) => {
  const field = event.target;
  // The command alone may be sent: it is one.
  const isWhole = event.key === 'Enter' && field.value === seen.command;
  if (field.id === 'text' && isHinting() && !isWhole && (event.key === 'Tab' || event.key === 'Enter')) {
    event.preventDefault();
    complete();
  } else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    field.form.requestSubmit();
  } else if (field.id === 'text' && event.key === 'ArrowUp' && (field.value === '' || seen.recalled >= 0)) {
    event.preventDefault();
    recall(1);
  } else if (field.id === 'text' && event.key === 'ArrowDown' && seen.recalled >= 0) {
    event.preventDefault();
    recall(-1);
  } else if (event.key === 'Escape') $('hints').hidden = true;
};

/** Makes both fields, the channel's and the thread's, listen. */
export const startTyping = () => {
  for (const [form, field, threadOf] of [
    ['composer', 'text', () => null],
    ['thread-composer', 'thread-text', () => seen.thread],
  ]) {
    $(form).addEventListener('submit', (event) => {
      event.preventDefault();
      void send($(field), threadOf());
    });
    $(field).addEventListener('keydown', onKey);
    $(field).addEventListener('input', () => {
      grow($(field));
      showHints();
    });
  }
};
