/** What all parts of the page share: what it has seen, the way to the stand-in, and what a control's use does. */
import { el } from './blocks.js';

export const $ = (id) => document.getElementById(id);
/** Everything the stream told, and what the page itself remembers. */
export const seen = { me: null, people: [], messages: new Map(), forms: [], home: null, thread: null, typed: [] };

/** Has the person do something; answers what the stand-in said of it. */
export const post = async (act, body) => {
  const response = await fetch(`/act/${act}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ person: seen.me.name, ...body }),
  });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()).result;
};

/** Says for a few seconds what went wrong. */
export const complain = (words) => {
  $('trouble').textContent = words;
  $('trouble').hidden = false;
  clearTimeout(complain.timer);
  complain.timer = setTimeout(() => ($('trouble').hidden = true), 6_000);
};

/** A user id as the page shows it. */
export const nameOf = (id) =>
  id === seen.app.userId
    ? seen.app.name
    : id === 'USLACKBOT'
      ? 'Slackbot'
      : (seen.people.find((one) => one.id === id)?.name ?? id);

/** What blocks of the message or view `where` need to be drawn and used. */
export const contextFor = (where) => ({
  nameOf,
  people: seen.people,
  channelName: seen.channel.name,
  use: async (element, chosen, button) => {
    if (element.confirm && !(await confirmed(element.confirm))) return;
    button.disabled = true;
    try {
      const error = await post('click', { where, actionId: element.action_id, chosen });
      if (error !== null) complain(`octo did not answer (${error})`);
    } catch (error) {
      complain(String(error.message));
    }
    button.disabled = false;
  },
});

/** Asks before a click counts; true when the person says yes. */
export const confirmed = (words) =>
  new Promise((resolve) => {
    const dialog = $('confirm');
    const answer = (isYes) => () => {
      dialog.close();
      resolve(isYes);
    };
    const no = el('button', { type: 'button', className: 'button' }, words.deny.text);
    const yes = el(
      'button',
      { type: 'button', className: `button ${words.style === 'danger' ? 'danger solid' : 'primary'}` },
      words.confirm.text,
    );
    no.addEventListener('click', answer(false));
    yes.addEventListener('click', answer(true));
    dialog.addEventListener('cancel', answer(false), { once: true });
    dialog.replaceChildren(
      el('div', { className: 'form-head' }, el('h2', { id: 'confirm-title' }, words.title.text)),
      el('div', { className: 'form-body' }, el('p', {}, words.text.text)),
      el('div', { className: 'form-foot' }, no, yes),
    );
    dialog.showModal();
    no.focus();
  });
