/** The form on top, as a dialog: what is missing is said beside its field, Escape closes it for Slack as well. */
import { el, formValues, renderBlocks } from './blocks.js';
import { $, complain, contextFor, post, seen } from './link.js';

/** Shows the top form, or none. */
export const showForm = () => {
  const dialog = $('form');
  const view = seen.forms.at(-1);
  if (view === undefined) {
    dialog.close();
    return;
  }
  if (dialog.dataset.hash === view.hash && dialog.open) return;
  dialog.dataset.hash = view.hash;
  const { title, submit, close, blocks } = view.body;
  const cancel = el('button', { type: 'button', className: 'button' }, close?.text ?? 'Cancel');
  cancel.addEventListener('click', () => dismiss(view));
  const body = el('div', { className: 'form-body' }, renderBlocks(blocks, contextFor(view.id)));
  const form = el(
    'form',
    { noValidate: true },
    el(
      'div',
      { className: 'form-head' },
      el('span', { className: 'avatar app', ariaHidden: 'true' }, '🐙'),
      el('h2', { id: 'form-title' }, title.text),
    ),
    body,
    el(
      'div',
      { className: 'form-foot' },
      cancel,
      submit && el('button', { type: 'submit', className: 'button primary' }, submit.text),
    ),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void submitForm(view, body);
  });
  dialog.replaceChildren(form);
  if (!dialog.open) dialog.showModal();
  body.querySelector('input, select, textarea')?.focus();
};

const submitForm = async (view, body) => {
  for (const note of body.querySelectorAll('.wrong')) note.remove();
  const { errors, failure } = await post('submit', { viewId: view.id, values: formValues(view.body.blocks, body) });
  if (failure !== null) complain(`octo did not take the form (${failure})`);
  for (const [block, words] of Object.entries(errors ?? {})) {
    body
      .querySelector(`[data-block="${CSS.escape(block)}"]`)
      ?.append(el('span', { className: 'wrong', role: 'alert' }, words));
  }
  body.querySelector('.field:has(.wrong) :is(input, select, textarea)')?.focus();
};

/** Closes a form without sending it. */
export const dismiss = (view) => void post('dismiss', { viewId: view.id });
