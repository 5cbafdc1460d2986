/** What the SQS stand-in keeps, in SQLite: queues and their messages, with when each may be seen again. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export type Queue = { name: string; attributes: Record<string, string>; createdAtMs: number };

export type Message = {
  id: string;
  queue: string;
  body: string;
  sentAtMs: number;
  /** Nobody receives it before. */
  visibleAtMs: number;
  /** Of the last receive: how it is spoken of, and when that was; `null` before the first. */
  receipt: string | null;
  receivedAtMs: number | null;
  receiveCount: number;
};

export type SqsShelf = ReturnType<typeof openSqsShelf>;

export const openSqsShelf = (directory: string) => {
  mkdirSync(directory, { recursive: true });
  const database = new DatabaseSync(join(directory, 'sqs.sqlite'));
  database.exec(`
    CREATE TABLE IF NOT EXISTS queues (name TEXT PRIMARY KEY, record TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS messages (
      id TEXT PRIMARY KEY, queue TEXT NOT NULL, visibleAtMs INTEGER NOT NULL, record TEXT NOT NULL
    );
  `);
  const recordIn = (row: Record<string, unknown> | undefined): unknown =>
    row ? JSON.parse(String(row['record'])) : null;
  return {
    close: () => database.close(),
    queue: (name: string) =>
      recordIn(database.prepare('SELECT record FROM queues WHERE name = ?').get(name)) as Queue | null,
    queues: (): Queue[] =>
      database
        .prepare('SELECT record FROM queues ORDER BY name')
        .all()
        .map((row) => recordIn(row) as Queue),
    putQueue: (queue: Queue) =>
      void database.prepare('INSERT OR REPLACE INTO queues VALUES (?, ?)').run(queue.name, JSON.stringify(queue)),
    message: (id: string) =>
      recordIn(database.prepare('SELECT record FROM messages WHERE id = ?').get(id)) as Message | null,
    /** Oldest first. */
    messages: (queue: string): Message[] =>
      database
        .prepare('SELECT record FROM messages WHERE queue = ? ORDER BY visibleAtMs, rowid')
        .all(queue)
        .map((row) => recordIn(row) as Message),
    putMessage: (message: Message) =>
      void database
        .prepare('INSERT OR REPLACE INTO messages VALUES (?, ?, ?, ?)')
        .run(message.id, message.queue, message.visibleAtMs, JSON.stringify(message)),
    removeMessage: (id: string) => void database.prepare('DELETE FROM messages WHERE id = ?').run(id),
  };
};
