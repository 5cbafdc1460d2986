/**
 * The Web API: every method that `@slack/web-api` and Bolt need here, with Slack's own refusals by name.
 *
 * Knows nothing of HTTP; `server.ts` decodes arguments and token. Anything not in `serves` is `unknown_method`.
 * @see https://docs.slack.dev/reference/methods
 */
import { chatMethods } from './methods/chat.ts';
import { conversationMethods } from './methods/conversations.ts';
import { createFiles } from './methods/files.ts';
import { type Arguments, type Methods, Refusal, type Reply } from './methods/refusal.ts';
import { viewMethods } from './methods/views.ts';
import { APP, TEAM, type Workspace } from './workspace.ts';

export type WebApi = {
  call(method: string, args: Arguments): Reply;
  files: ReturnType<typeof createFiles>;
};

/** What is served, how completely. A test holds this table against what answers. */
export const serves = [
  { operation: 'api.test', extent: 'full', note: '' },
  { operation: 'auth.test', extent: 'full', note: 'one workspace, one app' },
  { operation: 'apps.connections.open', extent: 'part', note: 'one connection at a time' },
  {
    operation: 'chat.postMessage',
    extent: 'part',
    note: 'text, blocks, threads, metadata; no attachments, no direct messages',
  },
  { operation: 'chat.update', extent: 'part', note: 'text and blocks' },
  { operation: 'chat.postEphemeral', extent: 'part', note: 'text and blocks' },
  { operation: 'chat.delete', extent: 'full', note: '' },
  { operation: 'views.open', extent: 'full', note: '' },
  { operation: 'views.push', extent: 'full', note: '' },
  { operation: 'views.update', extent: 'part', note: 'no external_id' },
  { operation: 'views.publish', extent: 'full', note: '' },
  { operation: 'conversations.list', extent: 'part', note: 'one page' },
  { operation: 'conversations.info', extent: 'part', note: 'the fields of a public channel' },
  { operation: 'conversations.members', extent: 'part', note: 'one page' },
  { operation: 'conversations.history', extent: 'part', note: 'latest, oldest, inclusive, limit, cursor, metadata' },
  { operation: 'conversations.replies', extent: 'part', note: 'one page' },
  { operation: 'users.info', extent: 'part', note: 'names, no profile pictures' },
  { operation: 'users.list', extent: 'part', note: 'one page' },
  { operation: 'usergroups.users.list', extent: 'part', note: 'one group: everybody' },
  { operation: 'reactions.add', extent: 'full', note: '' },
  { operation: 'files.getUploadURLExternal', extent: 'full', note: '' },
  { operation: 'files.completeUploadExternal', extent: 'part', note: 'no thread, one channel' },
  { operation: 'chat.postMessage: attachments', extent: 'none', note: 'legacy' },
  { operation: 'Events API other than app_home_opened', extent: 'none', note: 'the app subscribes to nothing else' },
] as const;

type Parts = {
  workspace: Workspace;
  redeemTrigger: (id: unknown) => { user: string } | { error: string };
  /** A fresh address for one Socket Mode connection. */
  socketUrl: () => string;
  fileUrl: (id: string) => string;
};

/** The methods, over one workspace. `call` throws `Refusal`. */
export const createWebApi = (parts: Parts): WebApi => {
  const { workspace } = parts;
  const files = createFiles(workspace, parts.fileUrl);
  const methods: Methods = {
    'api.test': (args) => ({ args }),
    'auth.test': () => ({
      url: `https://${TEAM.domain}.slack.com/`,
      team: TEAM.name,
      user: APP.name,
      team_id: TEAM.id,
      user_id: APP.userId,
      bot_id: APP.botId,
      is_enterprise_install: false,
    }),
    'apps.connections.open': () => ({ url: parts.socketUrl() }),
    ...chatMethods(workspace),
    ...viewMethods(workspace, parts.redeemTrigger),
    ...conversationMethods(workspace),
    ...files.methods,
  };
  return {
    files,
    call: (method, args) => {
      const perform = Object.hasOwn(methods, method) ? methods[method] : undefined;
      if (perform === undefined) throw new Refusal('unknown_method', { req_method: method });
      return { ok: true, ...perform(args) };
    },
  };
};
