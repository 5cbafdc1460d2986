/**
 * Where one person is answered: beside the command that was typed, in a form, in App Home. Errors are those of `Chat`.
 *
 * Only doors that have handed a request over need this; a door that answers by itself has the connection still open.
 */
import type { KnownBlock } from '@slack/types';
import type { ChatForm, ChatMessage } from './chat.ts';

export type Answers = {
  /** Only the person sees it. The address lives half an hour, for five answers. */
  respond(responseUrl: string, message: ChatMessage): Promise<void>;
  /** Within three seconds of what the person did. */
  openForm(triggerId: string, form: ChatForm): Promise<void>;
  /** Replaces the page of a form that is open. */
  fillForm(viewId: string, form: ChatForm): Promise<void>;
  publishHome(user: string, blocks: KnownBlock[]): Promise<void>;
};
