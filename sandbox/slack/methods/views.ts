/**
 * The `views.*` methods: forms (at most three on top of each other) and App Home tabs.
 * @see https://docs.slack.dev/surfaces/modals
 */
import { randomBytes } from 'node:crypto';
import { viewProblems } from '../block-rules.ts';
import { type Methods, Refusal, type Reply } from './refusal.ts';
import { APP, type StoredView, TEAM, withBlockIds, type Workspace } from '../workspace.ts';

const FORMS_AT_MOST = 3;
const VIEW_BYTES = 250_000;

/** The four methods over `workspace`; trigger ids are checked by whoever issued them. */
export const viewMethods = (
  workspace: Workspace,
  redeemTrigger: (id: unknown) => { user: string } | { error: string },
): Methods => {
  const userOf = (trigger: unknown): string => {
    const redeemed = redeemTrigger(trigger);
    if ('error' in redeemed) throw new Refusal(redeemed.error);
    return redeemed.user;
  };
  return {
    'views.open': (args) => {
      const body = checkedView(args['view'], 'modal');
      const user = userOf(args['trigger_id']);
      const view = newView(workspace, user, body);
      workspace.setForms(user, [view]);
      return { view: viewPayload(view) };
    },
    'views.push': (args) => {
      const body = checkedView(args['view'], 'modal');
      const user = userOf(args['trigger_id']);
      const stack = workspace.forms(user);
      if (stack.length >= FORMS_AT_MOST) throw new Refusal('push_limit_reached');
      const view = newView(workspace, user, body);
      workspace.setForms(user, [...stack, view]);
      return { view: viewPayload(view) };
    },
    'views.update': (args) => {
      const body = checkedView(args['view'], 'modal');
      const found = workspace.people
        .flatMap(({ id }) => workspace.forms(id))
        .find((view) => view.id === args['view_id']);
      if (found === undefined) throw new Refusal('not_found');
      if (args['hash'] !== undefined && args['hash'] !== found.hash) throw new Refusal('hash_conflict');
      return { view: viewPayload(replaceForm(workspace, found, body)) };
    },
    'views.publish': (args) => {
      const body = checkedView(args['view'], 'home');
      const person = workspace.people.find(({ id }) => id === args['user_id']);
      if (person === undefined) throw new Refusal('user_not_found');
      const present = workspace.home(person.id);
      if (args['hash'] !== undefined && args['hash'] !== present?.hash) throw new Refusal('hash_conflict');
      const view = { ...newView(workspace, person.id, body), ...(present !== null && { id: present.id }) };
      workspace.setHome(view);
      return { view: viewPayload(view) };
    },
  };
};

/** Puts another body into an open form, under the same id and a new hash. */
export const replaceForm = (workspace: Workspace, form: StoredView, body: StoredView['body']): StoredView => {
  const changed = { ...form, body: { ...body, blocks: withBlockIds(body.blocks) }, hash: newHash(workspace) };
  workspace.setForms(
    form.user,
    workspace.forms(form.user).map((view) => (view.id === form.id ? changed : view)),
  );
  return changed;
};

/** A view that Slack would take, or the refusal. */
export const checkedView = (view: unknown, type: 'modal' | 'home'): StoredView['body'] => {
  const problems = viewProblems(view);
  if (problems.length > 0) throw new Refusal('invalid_arguments', { response_metadata: { messages: problems } });
  const body = view as StoredView['body'];
  if (body.type !== type) {
    const messages = [`[ERROR] must be of type ${type} [json-pointer:/view/type]`];
    throw new Refusal('invalid_arguments', { response_metadata: { messages } });
  }
  if (JSON.stringify(body).length > VIEW_BYTES) throw new Refusal('view_too_large');
  return body;
};

export const newView = (workspace: Workspace, user: string, body: StoredView['body']): StoredView => ({
  id: workspace.nextId('V'),
  user,
  hash: newHash(workspace),
  body: { ...body, blocks: withBlockIds(body.blocks) },
});

/** A view as Slack sends it to the app. */
export const viewPayload = (view: StoredView, values: Reply = {}): Reply => ({
  callback_id: '',
  private_metadata: '',
  ...view.body,
  id: view.id,
  team_id: TEAM.id,
  app_id: APP.id,
  bot_id: APP.botId,
  app_installed_team_id: TEAM.id,
  hash: view.hash,
  state: { values },
  previous_view_id: null,
  root_view_id: view.id,
});

const newHash = (workspace: Workspace): string =>
  `${Math.floor(workspace.now().getTime() / 1000)}.${randomBytes(4).toString('hex')}`;
