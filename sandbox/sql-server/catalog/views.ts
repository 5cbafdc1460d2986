/**
 * Catalog and management views: filled when a statement mentions them, as tables in the memory of the session.
 *
 * Only the columns that are listed exist; asking for another one is error 207, as for any table.
 */
import { quoted } from '../tsql/translate.ts';
import { databaseViews } from './database-views.ts';
import { serverViews } from './server-views.ts';
import type { Around } from './view.ts';

const VIEWS = { ...databaseViews, ...serverViews };

/** Fills the view for the database `schema` and gives its SQLite name; null when there is no such view. */
export const catalogView = (around: Around, { schema, table }: { schema: string; table: string }): string | null => {
  const view = VIEWS[table];
  if (view === undefined) return null;
  const { sqlite } = around.session;
  const name = `main.${quoted(`${table}@${schema}`)}`;
  const columns = Object.entries(view.columns);
  const definition = columns.map(
    ([column, type]) => `${quoted(column)} ${quoted(type)}${type.includes('char') ? ' COLLATE NOCASE' : ''}`,
  );
  sqlite.exec(`DROP TABLE IF EXISTS ${name}; CREATE TABLE ${name} (${definition.join(', ')})`);
  const insert = sqlite.prepare(`INSERT INTO ${name} VALUES (${columns.map(() => '?').join(', ')})`);
  for (const row of view.rows(around, schema)) insert.run(...columns.map(([column]) => row[column] ?? null));
  return name;
};
