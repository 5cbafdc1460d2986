/** The channel as text, for `--once`: every message when it appears, of every edit the lines that were not there before, and forms. */
import { APP, type Block, type StoredMessage, type StoredView } from './slack/workspace.ts';

/** Prints what is new in each change it is given. */
export const transcript = (print: (line: string) => void, nameOf: (user: string) => string) => {
  const shown = new Map<string, string[]>();
  return (message: StoredMessage): void => {
    const lines = message.blocks.length > 0 ? message.blocks.flatMap(blockLines) : message.text.split('\n').map(plain);
    const before = shown.get(message.ts);
    shown.set(message.ts, lines);
    const fresh = lines.filter((line) => line.trim() !== '' && !(before ?? []).includes(line));
    if (fresh.length === 0) return;
    const author = message.user === APP.userId ? APP.name : nameOf(message.user);
    const audience = message.visibleTo === null ? '' : ` (only to ${nameOf(message.visibleTo)})`;
    print(before === undefined ? `${author}${audience}:` : `${author}${audience}, edited:`);
    for (const line of fresh) print(`  ${line}`);
  };
};

/** A form as text: its title, then each field with what it shows at first. */
export const formLines = ({ body }: Pick<StoredView, 'body'>): string[] => [
  `Form "${textOf(body['title'])}":`,
  ...body.blocks.flatMap((block) => (block.type === 'input' ? [fieldLine(block)] : blockLines(block))).map(indent),
];

const fieldLine = ({ label, element }: Block): string => {
  const { initial_value: typed, initial_option: chosen } = element as { initial_value?: string; initial_option?: Part };
  return `${textOf(label)}: ${typed ?? textOf(chosen)}`.trimEnd();
};

const indent = (line: string): string => `  ${line}`;

type Part = { type?: string; text?: unknown; elements?: Part[]; fields?: Part[] };

const blockLines = (block: Block | Part): string[] => {
  const { type, text, elements, fields } = block as Part;
  if (type === 'actions') return [(elements ?? []).map((button) => `[${textOf(button.text)}]`).join(' ')];
  if (type === 'context') return [(elements ?? []).map((element) => plain(textOf(element))).join('  ')];
  if (type === 'rich_text') return (elements ?? []).flatMap(richLines);
  return [text, ...(fields ?? [])].flatMap((part) => textOf(part).split('\n').map(plain));
};

const richLines = (part: Part): string[] => (part.elements ?? []).map(textOf).join('').split('\n');

const textOf = (part: unknown): string => {
  if (typeof part === 'string') return part;
  return part !== null && typeof part === 'object' && 'text' in part ? textOf(part.text) : '';
};

/** Slack's markup as a terminal shows it. */
const plain = (markup: string): string =>
  markup
    .replaceAll(/<!date\^[^|>]*\|([^>]*)>/g, '$1')
    .replaceAll(/<[^|>]*\|([^>]*)>/g, '$1')
    .replaceAll(/(^|\s)[*_](\S(?:[^*\n]*\S)?)[*_](?=\s|[.,:;·]|$)/g, '$1$2')
    .replaceAll('`', '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
