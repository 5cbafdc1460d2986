/**
 * Slack's rules for Block Kit: what `chat.*` and `views.*` refuse, and how they say it.
 *
 * Written from Slack's reference and not from our own views, so that it can judge them.
 * @see https://docs.slack.dev/reference/block-kit
 */

type Fields = Record<string, unknown>;
type Problem = { at: string; what: string };
type Surface = 'message' | 'modal' | 'home';
type Check = (fields: Fields, at: string) => Problem[];

/** Undocumented: all texts of a message's blocks together, then `msg_blocks_too_long` (bolt-js #2509). */
const MESSAGE_TEXT_CHARACTERS = 13_200;
const BLOCKS_AT_MOST: Record<Surface, number> = { message: 50, modal: 100, home: 100 };

/** Every problem with `blocks` on `surface`, in Slack's words, with a JSON pointer. Empty: Slack takes them. */
export const blockProblems = (blocks: unknown, surface: Surface): string[] => {
  if (!Array.isArray(blocks)) return said([{ at: '/blocks', what: 'must be an array' }]);
  const most = BLOCKS_AT_MOST[surface];
  const many = blocks.length > most ? [{ at: '/blocks', what: `no more than ${most} items allowed` }] : [];
  const each = blocks.flatMap((block, index) => checked(block, `/blocks/${index}`, ofType(BLOCKS)));
  return said([...many, ...each, ...repeated(blocks, 'block_id', '/blocks')]);
};

/** Are the texts of all blocks together longer than a message may be? */
export const isTooLongTogether = (blocks: unknown): boolean => textLength(blocks) > MESSAGE_TEXT_CHARACTERS;

/** Every problem with a view as `views.open`, `views.push`, `views.update` and `views.publish` take it. */
export const viewProblems = (view: unknown): string[] => {
  if (!isFields(view)) return said([{ at: '/view', what: 'must be an object' }]);
  const { type, blocks } = view;
  if (type !== 'modal' && type !== 'home') return said([{ at: '/view/type', what: 'unsupported type' }]);
  const own = tooLong(view, '/view', { private_metadata: 3000, callback_id: 255 });
  const frame = type === 'home' ? [] : modalProblems(view);
  return [...said([...own, ...frame]), ...blockProblems(blocks, type)];
};

const modalProblems = (view: Fields): Problem[] => {
  const hasInput =
    Array.isArray(view['blocks']) && view['blocks'].some((block) => isFields(block) && block['type'] === 'input');
  return [
    ...plain(view, '/view', { title: 24 }),
    ...plain(view, '/view', { 'submit?': 24, 'close?': 24 }),
    ...(hasInput && view['submit'] === undefined
      ? [{ at: '/view/submit', what: 'missing required field: submit' }]
      : []),
  ];
};

const BLOCKS: Record<string, Check> = {
  header: (block, at) => plain(block, at, { text: 150 }),
  section: (block, at) => [
    ...(block['text'] === undefined && block['fields'] === undefined ? [lacks('text', at)] : []),
    ...texts(block, at, { 'text?': 3000 }),
    ...list(block, at, { name: 'fields?', most: 10, check: textOf(2000) }),
    ...(block['accessory'] === undefined ? [] : checked(block['accessory'], `${at}/accessory`, ofType(ELEMENTS))),
  ],
  context: (block, at) =>
    list(block, at, {
      name: 'elements',
      most: 10,
      check: (element, where) => (element['type'] === 'image' ? image(element, where) : textOf(3000)(element, where)),
    }),
  actions: (block, at) => [
    ...list(block, at, { name: 'elements', most: 25, check: ofType(ELEMENTS) }),
    ...repeated(block['elements'], 'action_id', at),
  ],
  divider: () => [],
  image: (block, at) => image(block, at),
  input: (block, at) => [
    ...plain(block, at, { label: 2000, 'hint?': 2000 }),
    ...checked(block['element'], `${at}/element`, ofType(ELEMENTS)),
  ],
  rich_text: (block, at) => list(block, at, { name: 'elements', most: Infinity, check: ofType(RICH_TEXTS) }),
};

const options =
  (most: number): Check =>
  (element, at) => [
    ...plain(element, at, { 'placeholder?': 150 }),
    ...list(element, at, { name: 'options', most, check: option }),
  ];
const field: Check = (element, at) => plain(element, at, { 'placeholder?': 150 });

const ELEMENTS: Record<string, Check> = {
  button: (button, at) => [
    ...plain(button, at, { text: 75 }),
    ...tooLong(button, at, { value: 2000, url: 3000 }),
    ...([undefined, 'primary', 'danger'].includes(button['style'] as string | undefined)
      ? []
      : [{ at: `${at}/style`, what: 'must be one of: primary, danger' }]),
    ...(button['confirm'] === undefined ? [] : checked(button['confirm'], `${at}/confirm`, confirm)),
  ],
  image: (element, at) => image(element, at),
  plain_text_input: (element, at) => [...field(element, at), ...tooLong(element, at, { initial_value: 3000 })],
  number_input: field,
  datepicker: field,
  timepicker: field,
  datetimepicker: () => [],
  users_select: field,
  multi_users_select: field,
  static_select: options(100),
  multi_static_select: options(100),
  radio_buttons: options(10),
  checkboxes: options(10),
  overflow: options(5),
};

const confirm: Check = (dialog, at) => [
  ...plain(dialog, at, { title: 100, confirm: 30, deny: 30 }),
  ...texts(dialog, at, { text: 300 }),
];

const option: Check = (choice, at) => [
  ...texts(choice, at, { text: 75 }),
  ...required(choice, at, ['value']),
  ...tooLong(choice, at, { value: 150 }),
];

const image: Check = (picture, at) => [
  ...required(picture, at, picture['slack_file'] === undefined ? ['image_url', 'alt_text'] : ['alt_text']),
  ...tooLong(picture, at, { image_url: 3000, alt_text: 2000 }),
];

/** Inside rich text only characters, links, mentions, dates and emoji may stand; none of them may be empty. */
const richPiece: Check = (piece, at) => {
  const needs: Record<string, string> = { text: 'text', link: 'url', emoji: 'name', user: 'user_id', date: 'format' };
  const name = needs[String(piece['type'])];
  return name === undefined ? [{ at: `${at}/type`, what: 'unsupported type' }] : required(piece, at, [name]);
};
const richRow: Check = (row, at) => list(row, at, { name: 'elements', most: Infinity, check: richPiece });
const RICH_TEXTS: Record<string, Check> = {
  rich_text_section: richRow,
  rich_text_preformatted: richRow,
  rich_text_quote: richRow,
  rich_text_list: (items, at) => list(items, at, { name: 'elements', most: Infinity, check: richRow }),
};

/** The check for what `type` says it is; ids are bounded everywhere. */
const ofType =
  (known: Record<string, Check>): Check =>
  (fields, at) => {
    const type = String(fields['type']);
    const check = Object.hasOwn(known, type) ? known[type] : undefined;
    if (check === undefined) return [{ at: `${at}/type`, what: `unsupported type: ${type}` }];
    return [...tooLong(fields, at, { block_id: 255, action_id: 255 }), ...check(fields, at)];
  };

const checked = (value: unknown, at: string, check: Check): Problem[] =>
  isFields(value) ? check(value, at) : [{ at, what: 'must be an object' }];

/** Text objects by name with their length; a name that ends in `?` may be absent. */
const texts = (fields: Fields, at: string, most: Record<string, number>): Problem[] =>
  named(fields, most).flatMap(([name, characters]) => checked(fields[name], `${at}/${name}`, textOf(characters)));

const plain = (fields: Fields, at: string, most: Record<string, number>): Problem[] =>
  named(fields, most).flatMap(([name, characters]) =>
    checked(fields[name], `${at}/${name}`, textOf(characters, ['plain_text'])),
  );

const named = (fields: Fields, most: Record<string, number>): [string, number][] =>
  Object.entries(most)
    .filter(([name]) => !name.endsWith('?') || fields[name.slice(0, -1)] !== undefined)
    .map(([name, characters]) => [name.replace('?', ''), characters]);

const textOf =
  (most: number, types = ['plain_text', 'mrkdwn']): Check =>
  ({ type, text }, at) => {
    if (!types.includes(String(type))) return [{ at: `${at}/type`, what: `must be one of: ${types.join(', ')}` }];
    if (typeof text !== 'string') return [lacks('text', at)];
    if (text === '') return [{ at: `${at}/text`, what: 'must be more than 0 characters' }];
    return text.length > most ? [{ at: `${at}/text`, what: `must be less than ${most + 1} characters` }] : [];
  };

const list = (fields: Fields, at: string, rule: { name: string; most: number; check: Check }): Problem[] => {
  const name = rule.name.replace('?', '');
  const items = fields[name];
  if (items === undefined && rule.name.endsWith('?')) return [];
  const where = `${at}/${name}`;
  if (!Array.isArray(items)) return [lacks(name, at)];
  const few = items.length === 0 ? [{ at: where, what: 'must contain at least 1 item' }] : [];
  const many = items.length > rule.most ? [{ at: where, what: `no more than ${rule.most} items allowed` }] : [];
  return [...few, ...many, ...items.flatMap((item, index) => checked(item, `${where}/${index}`, rule.check))];
};

const required = (fields: Fields, at: string, names: string[]): Problem[] =>
  names.filter((name) => typeof fields[name] !== 'string' || fields[name] === '').map((name) => lacks(name, at));

const lacks = (name: string, at: string): Problem => ({ at, what: `missing required field: ${name}` });

const tooLong = (fields: Fields, at: string, most: Record<string, number>): Problem[] =>
  Object.entries(most).flatMap(([name, characters]) => {
    const value = fields[name];
    const isOver = typeof value === 'string' && value.length > characters;
    return isOver ? [{ at: `${at}/${name}`, what: `must be less than ${characters + 1} characters` }] : [];
  });

const repeated = (items: unknown, idName: string, at: string): Problem[] => {
  const ids = (Array.isArray(items) ? items : []).flatMap((item) =>
    isFields(item) && typeof item[idName] === 'string' ? [item[idName]] : [],
  );
  return new Set(ids).size === ids.length ? [] : [{ at, what: `\`${idName}\` already exists` }];
};

const said = (problems: Problem[]): string[] => problems.map(({ at, what }) => `[ERROR] ${what} [json-pointer:${at}]`);

const textLength = (node: unknown): number => {
  if (Array.isArray(node)) return node.reduce<number>((sum, item) => sum + textLength(item), 0);
  if (!isFields(node)) return 0;
  return Object.entries(node).reduce(
    (sum, [key, value]) => sum + (key === 'text' && typeof value === 'string' ? value.length : textLength(value)),
    0,
  );
};

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
