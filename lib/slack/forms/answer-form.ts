/** What takes the place of a loading form: an answer to read, or the form once more, with what was typed and what is wrong. */
import type { InputBlock, KnownBlock } from '@slack/types';
import type { OctoError } from '../../domain/errors.ts';
import type { ChatForm, ChatMessage } from '../../ports/chat.ts';
import type { FieldValue } from '../receive.ts';
import { errorReply } from '../replies.ts';

/** The answer as a page of the form: it is read where the person looks. */
export const answerForm = (title: string, { blocks }: ChatMessage): ChatForm => ({
  type: 'modal',
  title: { type: 'plain_text', text: title },
  close: { type: 'plain_text', text: 'Close' },
  blocks,
});

/** What no other input would change: the form has nothing to ask any more. */
const FINAL: ReadonlySet<string> = new Set(['ApprovalDecided', 'ApprovalNotOpen', 'ApprovalNotYours', 'RunUnknown']);

/** A form whose input was refused: again as it was sent, with the reason above; or the reason alone where typing changes nothing. */
export const refusedForm = (view: ChatForm, values: Entered['values'], error: OctoError): ChatForm =>
  FINAL.has(error.code)
    ? answerForm(view.title.text, errorReply(error))
    : withEntered(view, { values, note: errorReply(error).blocks });

type Entered = { values: Readonly<Record<string, FieldValue>>; note: readonly KnownBlock[] };

/** The form with these values in its fields, by action id, and a note above; a note that it had gives way. */
export const withEntered = (form: ChatForm, { values, note }: Entered): ChatForm => ({
  ...form,
  blocks: [
    ...note.map((block): KnownBlock => ({ ...block, block_id: `${NOTE}${note.indexOf(block)}` })),
    ...(form.blocks as KnownBlock[])
      .filter(({ block_id }) => block_id?.startsWith(NOTE) !== true)
      // Slack keeps the state of a block whose id it knows; under a new id it shows what it is given.
      .map(({ block_id: _known, ...block }) => (block.type === 'input' ? filled(block, values) : block)),
  ],
});

const NOTE = 'note-';

const filled = (block: InputBlock, values: Entered['values']): InputBlock => {
  const { element } = block;
  const value = values[element.action_id ?? ''];
  if (value === undefined || value === null) return block;
  if (element.type === 'plain_text_input') {
    const { initial_value: _shown, ...blank } = element;
    return { ...block, element: value === '' ? blank : { ...blank, initial_value: String(value) } };
  }
  if (element.type === 'static_select' || element.type === 'radio_buttons') {
    const option = element.options?.find((one) => one.value === value);
    return option === undefined
      ? block
      : { ...block, element: { ...element, initial_option: option } as typeof element };
  }
  if (element.type === 'checkboxes' || element.type === 'multi_static_select') {
    const { initial_options: _ticked, ...blank } = element;
    const chosen = element.options?.filter((one) => value.includes(one.value ?? '')) ?? [];
    const filledIn = chosen.length === 0 ? blank : { ...blank, initial_options: chosen };
    return { ...block, element: filledIn as typeof element };
  }
  return block;
};
