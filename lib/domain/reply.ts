/**
 * The answer to a command, before it is dressed: Slack makes blocks of it, the terminal prints it, a script reads `json`.
 * All three say the same because all three come from here.
 */
export type Reply = {
  /** One sentence. */
  headline: string;
  /** Plain lines without markup; column layout is already done. */
  lines: string[];
  /** The whole answer as data, what `--json` prints. Names are stable. */
  json: unknown;
  /** The run that was started, or joined; whoever asked may want to follow it. */
  runId?: string;
  /** The answer is bad news (damage was found): the terminal ends with the status of a failure. */
  isBad?: boolean;
};

/** Lays rows out in columns: each cell padded to the widest of its column, the last one not at all. */
export const columns = (rows: string[][]): string[] => {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, at) => Math.max(widest[at] ?? 0, cell.length)),
    [],
  );
  return rows.map((row) =>
    row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0))).join('  '),
  );
};
