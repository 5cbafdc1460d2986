/**
 * Block Kit as page elements: blocks, their text (mrkdwn, dates, mentions, emoji) and their controls.
 *
 * Everything is made with `document.createElement`; no text of anybody ever becomes markup.
 */

/** An element with properties and children; strings become text. */
export const el = (tag, properties = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name in element && name !== 'list') element[name] = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(
    ...children.flat().filter((child) => child !== null && child !== undefined && child !== false && child !== ''),
  );
  return element;
};

/** The emoji names that occur here; any other name is shown as it is written. */
const EMOJI = {
  octopus: '🐙',
  white_check_mark: '✅',
  x: '❌',
  warning: '⚠️',
  red_circle: '🔴',
  large_orange_circle: '🟠',
  large_yellow_circle: '🟡',
  large_green_circle: '🟢',
  arrows_counterclockwise: '🔄',
  hourglass: '⌛',
  hourglass_flowing_sand: '⏳',
  lock: '🔒',
  key: '🔑',
  package: '📦',
  floppy_disk: '💾',
  eyes: '👀',
  tada: '🎉',
  rocket: '🚀',
  bell: '🔔',
  no_entry: '⛔',
  information_source: 'ℹ️',
  thumbsup: '👍',
  '+1': '👍',
  wave: '👋',
  arrow_forward: '▶️',
  double_vertical_bar: '⏸️',
  octagonal_sign: '🛑',
  mag: '🔍',
  calendar: '📅',
  bulb: '💡',
};

const unescape = (text) => text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
const withEmoji = (text) => text.replaceAll(/:([a-z0-9_+-]+):/g, (whole, name) => EMOJI[name] ?? whole);

/** A date token in the reader's own words. */
const DATE_PARTS = {
  date_num: { year: 'numeric', month: '2-digit', day: '2-digit' },
  date: { year: 'numeric', month: 'long', day: 'numeric' },
  date_short: { year: 'numeric', month: 'short', day: 'numeric' },
  date_long: { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' },
  time: { hour: '2-digit', minute: '2-digit' },
  time_secs: { hour: '2-digit', minute: '2-digit', second: '2-digit' },
};
const dateText = (seconds, format) => {
  const date = new Date(seconds * 1000);
  return format.replaceAll(/\{(\w+)\}/g, (whole, name) => {
    const options = DATE_PARTS[name.replace('_pretty', '')];
    if (options === undefined) return whole;
    const day = name.endsWith('_pretty') ? nearDay(date) : null;
    return day ?? new Intl.DateTimeFormat(undefined, options).format(date);
  });
};
export const nearDay = (date) => {
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86_400_000);
  return { 0: 'today', 1: 'yesterday', [-1]: 'tomorrow' }[days] ?? null;
};

/** What stands between angle brackets: mentions, dates, links. */
const token = (inside, context) => {
  const [target, label] = inside.split('|');
  const mention = (text) => el('span', { className: 'mention' }, text);
  if (target.startsWith('@')) return mention(`@${context.nameOf(target.slice(1))}`);
  if (target.startsWith('#')) return mention(`#${label ?? context.channelName}`);
  if (target.startsWith('!date^')) {
    const [, seconds, format] = target.split('^');
    return el(
      'time',
      { dateTime: new Date(seconds * 1000).toISOString(), title: unescape(label ?? '') },
      dateText(seconds, format),
    );
  }
  if (target.startsWith('!')) return mention(`@${(label ?? target.slice(1)).replace(/^subteam\^\w+/, 'group')}`);
  return /^(https?|mailto):/.test(target)
    ? el('a', { href: unescape(target), target: '_blank', rel: 'noreferrer' }, unescape(label ?? target))
    : `<${unescape(inside)}>`;
};

/** In order of precedence; bold, italic and strike stand only at the edges of words. */
const INLINE =
  /```\n?([\s\S]+?)```|`([^`\n]+)`|<([^<>]+)>|(?<![\w*])\*(?=\S)([^*\n]*[^*\s])\*(?![\w*])|(?<![\w])_(?=\S)([^_\n]*[^_\s])_(?![\w])|(?<![\w])~(?=\S)([^~\n]*[^~\s])~(?![\w])/g;

/** mrkdwn as nodes. */
export const mrkdwn = (text, context) => {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(...quoted(text.slice(from, match.index)));
    from = match.index + match[0].length;
    const [, block, code, inside, bold, italic, strike] = match;
    if (block !== undefined) nodes.push(el('pre', {}, unescape(block)));
    else if (code !== undefined) nodes.push(el('code', {}, unescape(code)));
    else if (inside !== undefined) nodes.push(token(inside, context));
    else nodes.push(el(bold ? 'b' : italic ? 'i' : 's', {}, mrkdwn(bold ?? italic ?? strike, context)));
  }
  return [...nodes, ...quoted(text.slice(from))];
};

const quoted = (text) =>
  text
    .split(/((?:^|(?<=\n))&gt; ?[^\n]*\n?)/)
    .map((part) =>
      part.startsWith('&gt;')
        ? el('blockquote', {}, withEmoji(unescape(part.replace(/^&gt; ?/, '').trimEnd())))
        : withEmoji(unescape(part)),
    );

/** A text object: plain text keeps every character, mrkdwn is read. */
export const richText = (text, context) =>
  text.type === 'mrkdwn' ? mrkdwn(text.text, context) : [text.emoji === false ? text.text : withEmoji(text.text)];

const RICH = {
  rich_text_section: (row, context) =>
    el(
      'div',
      { className: 'text' },
      row.elements.map((one) => piece(one, context)),
    ),
  rich_text_preformatted: (row, context) =>
    el(
      'pre',
      {},
      row.elements.map((one) => piece(one, context)),
    ),
  rich_text_quote: (row, context) =>
    el(
      'blockquote',
      {},
      row.elements.map((one) => piece(one, context)),
    ),
  rich_text_list: (list, context) =>
    el(
      list.style === 'ordered' ? 'ol' : 'ul',
      {},
      list.elements.map((row) =>
        el(
          'li',
          {},
          row.elements.map((one) => piece(one, context)),
        ),
      ),
    ),
};
const piece = (one, context) => {
  if (one.type === 'link') return el('a', { href: one.url, target: '_blank', rel: 'noreferrer' }, one.text ?? one.url);
  if (one.type === 'emoji') return EMOJI[one.name] ?? `:${one.name}:`;
  if (one.type === 'user') return el('span', { className: 'mention' }, `@${context.nameOf(one.user_id)}`);
  if (one.type === 'date') return dateText(one.timestamp, one.format);
  const tag = one.style?.code
    ? 'code'
    : one.style?.bold
      ? 'b'
      : one.style?.italic
        ? 'i'
        : one.style?.strike
          ? 's'
          : null;
  return tag === null ? one.text : el(tag, {}, one.text);
};

const picture = (image) => el('img', { className: 'picture', src: image.image_url, alt: image.alt_text });

const BLOCKS = {
  header: (block, context) => el('h3', { className: 'block' }, richText(block.text, context)),
  divider: () => el('hr', { className: 'block' }),
  image: (block) => el('div', { className: 'block' }, picture(block)),
  context: (block, context) =>
    el(
      'div',
      { className: 'block context' },
      block.elements.map((one) =>
        one.type === 'image' ? picture(one) : el('span', { className: 'text' }, richText(one, context)),
      ),
    ),
  section: (block, context) =>
    el(
      'div',
      { className: 'block section' },
      el(
        'div',
        {},
        block.text && el('div', { className: 'text' }, richText(block.text, context)),
        block.fields &&
          el(
            'div',
            { className: 'fields' },
            block.fields.map((field) => el('div', { className: 'text' }, richText(field, context))),
          ),
      ),
      block.accessory && control(block.accessory, block, context),
    ),
  actions: (block, context) =>
    el(
      'div',
      { className: 'block actions' },
      block.elements.map((one) => control(one, block, context)),
    ),
  rich_text: (block, context) =>
    el(
      'div',
      { className: 'block' },
      block.elements.map((row) => RICH[row.type]?.(row, context)),
    ),
  input: (block, context) => inputBlock(block, context),
};

/** All blocks of a message, a form or a home tab. `context` says who is who and what a use of a control does. */
export const renderBlocks = (blocks, context) =>
  blocks.map(
    (block) => BLOCKS[block.type]?.(block, context) ?? el('div', { className: 'block hint' }, `[${block.type}]`),
  );

/** A control outside of an input: using it tells the app at once. */
const control = (element, block, context) => {
  if (element.type === 'image') return picture(element);
  if (element.type === 'button') return buttonOf(element, context);
  const field = fieldOf(element, context);
  field.addEventListener('change', () => context.use(element, fieldValue(element, field), field));
  return field;
};

const buttonOf = (element, context) => {
  const style = { primary: ' primary', danger: ' danger' }[element.style] ?? '';
  const button = el(
    'button',
    { type: 'button', className: `button${style}`, 'data-action': element.action_id },
    richText(element.text, context),
  );
  button.addEventListener('click', () => {
    if (element.url) window.open(element.url, '_blank', 'noreferrer');
    context.use(element, undefined, button);
  });
  return button;
};

const option = (choice, context, isSelected) =>
  el('option', { value: choice.value, selected: isSelected }, richText(choice.text, context));

/** The field for an element, showing what it starts with. */
const fieldOf = (element, context) => {
  const named = { 'data-action': element.action_id, placeholder: element.placeholder?.text };
  const first = [element.initial_option, ...(element.initial_options ?? [])];
  const selected = new Set(first.map((one) => one?.value));
  switch (element.type) {
    case 'static_select':
    case 'overflow':
      return el(
        'select',
        named,
        el('option', { value: '' }, element.placeholder?.text ?? '…'),
        element.options.map((one) => option(one, context, selected.has(one.value))),
      );
    case 'multi_static_select':
      return el(
        'select',
        { ...named, multiple: true },
        element.options.map((one) => option(one, context, selected.has(one.value))),
      );
    case 'users_select':
      return el(
        'select',
        named,
        el('option', { value: '' }, '…'),
        context.people.map((person) =>
          el('option', { value: person.id, selected: person.id === element.initial_user }, person.name),
        ),
      );
    case 'multi_users_select':
      return el(
        'select',
        { ...named, multiple: true },
        context.people.map((person) =>
          el('option', { value: person.id, selected: element.initial_users?.includes(person.id) }, person.name),
        ),
      );
    case 'radio_buttons':
    case 'checkboxes':
      return el(
        'div',
        named,
        element.options.map((one) => choiceOf(element, one, { context, isOn: selected.has(one.value) })),
      );
    case 'datepicker':
      return el('input', { ...named, type: 'date', value: element.initial_date ?? '' });
    case 'timepicker':
      return el('input', { ...named, type: 'time', value: element.initial_time ?? '' });
    case 'number_input':
      return el('input', {
        ...named,
        type: 'number',
        value: element.initial_value ?? '',
        step: element.is_decimal_allowed ? 'any' : '1',
      });
    default:
      return element.multiline
        ? el('textarea', { ...named, rows: 4, value: element.initial_value ?? '' })
        : el('input', { ...named, type: 'text', value: element.initial_value ?? '' });
  }
};

const choiceOf = (element, one, { context, isOn }) =>
  el(
    'label',
    { className: 'choice' },
    el('input', {
      type: element.type === 'checkboxes' ? 'checkbox' : 'radio',
      name: element.action_id,
      value: one.value,
      checked: isOn,
    }),
    el(
      'span',
      {},
      richText(one.text, context),
      one.description && el('div', { className: 'hint' }, one.description.text),
    ),
  );

const fieldValue = (element, field) => {
  if (element.type === 'checkboxes') return [...field.querySelectorAll('input:checked')].map((box) => box.value);
  if (element.type === 'radio_buttons') return field.querySelector('input:checked')?.value;
  if (field.multiple) return [...field.selectedOptions].map((one) => one.value);
  return field.value === '' ? undefined : field.value;
};

const inputBlock = (block, context) => {
  const field = fieldOf(block.element, context);
  field.id = `field-${block.block_id}`;
  const optional = block.optional ? el('span', { className: 'optional' }, ' (optional)') : null;
  return el(
    'div',
    { className: 'field', 'data-block': block.block_id },
    el('label', { htmlFor: field.id }, block.label.text, optional),
    field,
    block.hint && el('span', { className: 'hint' }, block.hint.text),
  );
};

/** What the fields of a form hold, by action id. Empty ones are told as empty, so that a cleared text stays cleared. */
export const formValues = (blocks, root) =>
  Object.fromEntries(
    blocks
      .filter((block) => block.type === 'input')
      .map(({ element }) => {
        const field = root.querySelector(`[data-action="${CSS.escape(element.action_id)}"]`);
        return [element.action_id, fieldValue(element, field) ?? ''];
      }),
  );
