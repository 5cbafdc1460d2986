/** Bad days as switches: what can go wrong beside the channel, turned on and off while the bot works. */
import { el } from './blocks.js';
import { $, complain, post, seen } from './link.js';

/** Draws the panel from what was seen, and keeps the focus where it was. */
export const showFaults = () => {
  const { faults } = seen;
  const areFaults = faults !== null && faults !== undefined;
  for (const id of ['faults-head', 'to-faults']) $(id).hidden = !areFaults;
  if (!areFaults) return;
  const count = faults.filter(({ isOn }) => isOn).length;
  $('faults-count').textContent = count === 0 ? '' : String(count);
  $('faults-count').title = count === 0 ? '' : `${count} on`;
  const focused = document.activeElement?.dataset.fault;
  $('faults-body').replaceChildren(
    el(
      'p',
      { className: 'hint' },
      'Turn something on, then watch what octo makes of it. Of keys, folders, store and Slack one at a time. All of it ends with the sandbox.',
    ),
    ...Object.entries(Object.groupBy(faults, ({ area }) => area)).map(([area, found]) =>
      el('section', { className: 'area' }, el('h2', {}, area), ...found.map(row)),
    ),
  );
  if (focused !== undefined)
    $('faults-body')
      .querySelector(`[data-fault="${CSS.escape(focused)}"]`)
      ?.focus();
};

const row = (fault) => {
  const { name, about, why, isOn } = fault;
  const number = fault.value === null ? null : numberOf(fault);
  return el(
    'div',
    { className: `fault${isOn ? ' on' : ''}` },
    fault.isPassing ? playButton(fault, number) : switchOf(fault, number),
    el(
      'div',
      { className: 'fault-words' },
      el('label', { htmlFor: `fault-${name}` }, el('b', {}, name)),
      el('span', { id: `about-${name}` }, about),
      why !== null && el('span', { className: 'hint' }, why),
    ),
    number,
  );
};

const numberOf = ({ name, value, isOn, why }) =>
  el('input', { type: 'number', value, 'aria-label': `Value of ${name}`, disabled: isOn || why !== null });

const switchOf = ({ name, isOn, why }, number) => {
  const button = el('button', {
    type: 'button',
    id: `fault-${name}`,
    className: 'switch',
    role: 'switch',
    'aria-checked': String(isOn),
    'aria-describedby': `about-${name}`,
    'data-fault': name,
    disabled: why !== null,
  });
  button.addEventListener('click', () => turn(name, { isOn: !isOn, number, button }));
  return button;
};

const playButton = ({ name, why }, number) => {
  const button = el(
    'button',
    {
      type: 'button',
      id: `fault-${name}`,
      className: 'button',
      'aria-describedby': `about-${name}`,
      'data-fault': name,
      disabled: why !== null,
    },
    'Play',
  );
  button.addEventListener('click', () => turn(name, { isOn: true, number, button }));
  return button;
};

const turn = async (fault, { isOn, number, button }) => {
  button.setAttribute('aria-busy', 'true');
  try {
    await post('fault', { fault, isOn, ...(number !== null && { value: Number(number.value) }) });
  } catch (error) {
    complain(String(error.message));
  }
  button.removeAttribute('aria-busy');
};
