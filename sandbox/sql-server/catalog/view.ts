/** What a catalog view is: typed columns, and rows made when a statement asks for them. */
import type { Instance } from '../instance.ts';
import type { Session } from '../session.ts';
import type { SqlValue } from '../tds/values.ts';

export type Around = { instance: Instance; session: Session };
export type Row = Record<string, SqlValue>;

/** `rows` are those of one database, or of the whole instance where the view has no database. */
export type View = { columns: Record<string, string>; rows(around: Around, database: string): Row[] };

/** `name: type, name: type` as columns; types as T-SQL spells them, `name` short for `nvarchar(128)`. */
export const columnsOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .trim()
      .split(/\s*\n\s*|,\s+/)
      .map((column) => {
        const [name = '', type = ''] = column.split(': ');
        return [name, type === 'name' ? 'nvarchar(128)' : type];
      }),
  );

export const bit = (value: boolean): number => (value ? 1 : 0);

export const sysTime = (moment: Date | string): string =>
  new Date(moment).toISOString().replace('T', ' ').replace('Z', '');
