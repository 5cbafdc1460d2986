/**
 * The page where people use the channel: follows the stand-in's stream of changes, and sends what a person does.
 * It holds no state of its own but what is on the screen; reloading shows the same.
 */
import { el, renderBlocks } from './blocks.js';
import { startTyping } from './composer.js';
import { showFaults } from './faults.js';
import { dismiss, showForm } from './forms.js';
import { $, contextFor, post, seen } from './link.js';
import { avatar, openThread, showAll } from './messages.js';

let stream = null;

const actAs = (name) => {
  stream?.close();
  stream = new EventSource(`/changes?person=${encodeURIComponent(name)}`);
  const on = (event, handle) => stream.addEventListener(event, ({ data }) => handle(JSON.parse(data)));
  on('everything', (everything) => {
    Object.assign(seen, everything, { messages: new Map(everything.messages.map((message) => [message.ts, message])) });
    showFrame();
    showAll();
    showForm();
    showHome();
    showFaults();
  });
  on('message', (message) => {
    seen.messages.set(message.ts, message);
    showAll();
  });
  on('deleted', ({ ts }) => {
    seen.messages.delete(ts);
    showAll();
  });
  on('forms', (forms) => {
    seen.forms = forms;
    showForm();
  });
  on('faults', (faults) => {
    seen.faults = faults;
    showFaults();
  });
  on('home', (home) => {
    seen.home = home;
    showHome();
  });
};

const showFrame = () => {
  document.title = `#${seen.channel.name}`;
  $('team').textContent = seen.team.name;
  for (const id of ['side-channel', 'channel-name']) $(id).textContent = seen.channel.name;
  $('text').placeholder = `Message #${seen.channel.name}, or type ${seen.command}`;
  const people = seen.people.map((person) =>
    el(
      'label',
      {},
      el('input', { type: 'radio', name: 'person', value: person.name, checked: person.name === seen.me.name }),
      avatar(person.id),
      el('span', { className: 'who' }, person.name),
    ),
  );
  $('people').replaceChildren($('people').firstElementChild, ...people);
};

const showHome = () => {
  const { home } = seen;
  $('home-body').replaceChildren(
    ...(home === null
      ? [el('p', { className: 'hint' }, 'octo has published nothing here.')]
      : renderBlocks(home.body.blocks, contextFor(home.id))),
  );
};

const PLACES = ['channel', 'home', 'faults'];

const goTo = (place) => {
  for (const one of PLACES) {
    $(one).hidden = one !== place;
    if (one === place) $(`to-${one}`).setAttribute('aria-current', 'page');
    else $(`to-${one}`).removeAttribute('aria-current');
  }
  if (place === 'home') void post('home', {});
  if (place === 'channel') $('messages').scrollTop = $('messages').scrollHeight;
};

$('people').addEventListener('change', (event) => {
  history.replaceState(null, '', `?as=${event.target.value}`);
  actAs(event.target.value);
});
for (const place of PLACES) $(`to-${place}`).addEventListener('click', () => goTo(place));
$('close-thread').addEventListener('click', () => openThread(null));
$('form').addEventListener('cancel', (event) => {
  event.preventDefault();
  const view = seen.forms.at(-1);
  if (view !== undefined) dismiss(view);
});

startTyping();
actAs(new URLSearchParams(location.search).get('as') ?? '');
$('text').focus();
