/** The little XML that S3 speaks: elements with text in them, no attributes that mean anything. */

export type Element = { [name: string]: Value };
type Value = string | number | boolean | undefined | Element | Value[];

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** A document; a list makes one element for each entry, `undefined` makes none. */
export const xml = (root: string, content: Element, namespace = NAMESPACE): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${namespace && ` xmlns="${namespace}"`}>${inner(content)}</${root}>`;

const inner = (content: Element): string =>
  Object.entries(content)
    .map(([name, child]) => element(name, child))
    .join('');

const element = (name: string, value: Value): string => {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.map((each) => element(name, each)).join('');
  return `<${name}>${typeof value === 'object' ? inner(value) : escape(String(value))}</${name}>`;
};

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#13;' };
const escape = (text: string): string => text.replaceAll(/[&<>"\r]/g, (letter) => ESCAPES[letter] ?? letter);

/** The insides of each `<name>` in `text`. */
export const elementsIn = (text: string, name: string): string[] =>
  [...text.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`, 'g'))].map(([, inside = '']) => inside);

/** The text of the first `<name>` in `text`. */
export const textIn = (text: string, name: string): string | undefined => {
  const inside = elementsIn(text, name)[0];
  return inside
    ?.trim()
    .replaceAll(/&#(\d+);/g, (_match, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll(/&(lt|gt|quot|apos|amp);/g, (_match, entity: string) => ENTITIES[entity] ?? '');
};

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
