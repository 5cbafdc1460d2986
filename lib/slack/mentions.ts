/** Mentions of the people and user groups that an administrator chose to be told: the only mentions we send, beside a break-glass, which calls its whole channel. */

/** `<@U…>` and `<!subteam^S…>` for ids of people and user groups, blank-separated. */
export const mentions = (ids: readonly string[]): string =>
  ids.map((id) => (id.startsWith('S') ? `<!subteam^${id}>` : `<@${id}>`)).join(' ');
