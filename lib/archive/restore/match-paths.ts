/** Which paths of an archive a person means: a file, a folder with all below it, or a pattern. */
import { pathText } from '../index/path-text.ts';

/** `*` and `?` stand for letters of one name, `**` for any folders; everything else for itself, upper and lower case alike. */
export const pathMatcher = (wanted: string): ((path: string) => boolean) => {
  const plain = wanted.replace(/^[\\/]+|[\\/]+$/g, '');
  const parts = plain.split(/(\*\*\/|\*\*|\*|\?)/).map((part) => WILD[part] ?? escape(part));
  const pattern = new RegExp(`^${parts.join('')}(?:/|$)`, 'i');
  return (path) => pattern.test(path);
};

const WILD: Readonly<Record<string, string>> = { '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]' };

/** As the index writes it, and nothing in it a sign of the expression. */
const escape = (part: string): string => pathText(part).replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&');
