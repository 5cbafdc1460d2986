/** The interactive elements inside blocks, and what Slack sends of each when a person uses it. */
import type { Block } from './workspace.ts';

export type Element = Record<string, unknown>;
type Option = { text: unknown; value: string };

/** Every interactive element with the block it lies in. */
export const elementsOf = (blocks: readonly Block[]): { blockId: string; element: Element; block: Block }[] =>
  blocks.flatMap((block) =>
    [block['accessory'], block['element'], ...(block.type === 'actions' ? (block['elements'] as unknown[]) : [])]
      .filter(
        (element): element is Element => typeof element === 'object' && element !== null && 'action_id' in element,
      )
      .map((element) => ({ blockId: block.block_id ?? '', element, block })),
  );

/** What the app is told of an element: its type and value, with `chosen` in place of what it showed first. */
export const stateOf = (element: Element, chosen: unknown): Element => {
  const type = String(element['type']);
  const options = [...((element['options'] as Option[] | undefined) ?? []), ...firstOptions(element)];
  const optionOf = (value: unknown): Option | null => options.find((option) => option.value === value) ?? null;
  const many = (initial: string): Option[] =>
    chosen === undefined
      ? ((element[initial] as Option[] | undefined) ?? [])
      : (chosen as unknown[]).map(optionOf).filter((option) => option !== null);
  switch (type) {
    case 'button':
      return { type, value: element['value'], style: element['style'] };
    case 'static_select':
    case 'radio_buttons':
    case 'overflow':
      return { type, selected_option: chosen === undefined ? (element['initial_option'] ?? null) : optionOf(chosen) };
    case 'multi_static_select':
    case 'checkboxes':
      return { type, selected_options: many('initial_options') };
    case 'users_select':
      return { type, selected_user: chosen ?? element['initial_user'] ?? null };
    case 'multi_users_select':
      return { type, selected_users: chosen ?? element['initial_users'] ?? [] };
    case 'datepicker':
      return { type, selected_date: chosen ?? element['initial_date'] ?? null };
    case 'timepicker':
      return { type, selected_time: chosen ?? element['initial_time'] ?? null };
    case 'datetimepicker':
      return { type, selected_date_time: chosen ?? element['initial_date_time'] ?? null };
    default:
      return { type, value: textOrNull(chosen ?? element['initial_value']) };
  }
};

/** The fields Slack does not let a person send: block id to what is wrong; `null` when all are well. */
export const emptyFields = (
  blocks: readonly Block[],
  values: Record<string, unknown>,
): Record<string, string> | null => {
  const errors: Record<string, string> = {};
  for (const { blockId, block, element } of elementsOf(blocks)) {
    if (block.type !== 'input') continue;
    const { type: _type, ...state } = stateOf(element, values[String(element['action_id'])]);
    const [value] = Object.values(state);
    const isEmpty = value === null || (Array.isArray(value) && value.length === 0);
    if (isEmpty && block['optional'] !== true) errors[blockId] = 'Please complete this required field.';
    const [least, most] = [Number(element['min_length'] ?? 0), Number(element['max_length'] ?? 3000)];
    if (typeof value !== 'string') continue;
    if (value.length < least) errors[blockId] = `At least ${least} characters, please.`;
    if (value.length > most) errors[blockId] = `At most ${most} characters, please.`;
  }
  return Object.keys(errors).length === 0 ? null : errors;
};

const firstOptions = (element: Element): Option[] =>
  ((element['option_groups'] as { options: Option[] }[] | undefined) ?? []).flatMap((group) => group.options);

const textOrNull = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
