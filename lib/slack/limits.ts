/**
 * Slack's limits as data, and the check that our messages keep them. Tests measure every view with it.
 * @see https://docs.slack.dev/reference/block-kit/blocks
 */
import type { KnownBlock } from '@slack/types';
import type { ChatMessage } from '../ports/chat.ts';

export const LIMITS = {
  blocks: 50,
  /** All texts of all blocks together; undocumented, beyond it Slack answers `msg_blocks_too_long`. */
  blocksText: 13_200,
  /** `chat.update` takes 4,000; a notification needs no more. */
  text: 4_000,
  headerText: 150,
  sectionText: 3_000,
  fields: 10,
  fieldText: 2_000,
  contextElements: 10,
  actionsElements: 25,
  buttonText: 75,
  buttonValue: 2_000,
  id: 255,
} as const;

/** What Slack would refuse, each as a phrase that names the place; empty when it takes the message. */
export const whatExceeds = ({ text, blocks }: ChatMessage): string[] => [
  ...over('text', text.length, LIMITS.text),
  ...(text === '' ? ['text is empty'] : []),
  ...over('blocks', blocks.length, LIMITS.blocks),
  ...over('text of all blocks', textLength(blocks), LIMITS.blocksText),
  ...blocks.flatMap((block, at) => blockExceeds(block, `block ${at}`)),
];

/** Does Slack take this message? */
export const fitsSlack = (message: ChatMessage): boolean => whatExceeds(message).length === 0;

const blockExceeds = (block: KnownBlock, at: string): string[] => {
  if (block.type === 'header') return textExceeds(`${at} header`, block.text.text, LIMITS.headerText);
  if (block.type === 'section') {
    return [
      ...(block.text === undefined ? [] : textExceeds(`${at} text`, block.text.text, LIMITS.sectionText)),
      ...over(`${at} fields`, block.fields?.length ?? 0, LIMITS.fields),
      ...(block.fields ?? []).flatMap((field) => textExceeds(`${at} field`, field.text, LIMITS.fieldText)),
    ];
  }
  if (block.type === 'context') {
    return [
      ...over(`${at} elements`, block.elements.length, LIMITS.contextElements),
      ...block.elements.flatMap((one) =>
        'text' in one ? textExceeds(`${at} text`, one.text, LIMITS.sectionText) : [],
      ),
    ];
  }
  if (block.type === 'actions') {
    return [
      ...over(`${at} elements`, block.elements.length, LIMITS.actionsElements),
      ...block.elements.flatMap((one) => (one.type === 'button' ? buttonExceeds(one, at) : [])),
    ];
  }
  return [];
};

const buttonExceeds = (
  button: { text: { text: string }; value?: string; action_id?: string },
  at: string,
): string[] => [
  ...textExceeds(`${at} button`, button.text.text, LIMITS.buttonText),
  ...over(`${at} button value`, button.value?.length ?? 0, LIMITS.buttonValue),
  ...over(`${at} button id`, button.action_id?.length ?? 0, LIMITS.id),
];

const textExceeds = (what: string, text: string, most: number): string[] =>
  text === '' ? [`${what} is empty`] : over(what, text.length, most);

const over = (what: string, length: number, most: number): string[] =>
  length > most ? [`${what}: ${length}, at most ${most}`] : [];

const textLength = (node: unknown): number => {
  if (Array.isArray(node)) return node.reduce<number>((sum, item) => sum + textLength(item), 0);
  if (typeof node !== 'object' || node === null) return 0;
  return Object.entries(node).reduce(
    (sum, [key, value]) => sum + (key === 'text' && typeof value === 'string' ? value.length : textLength(value)),
    0,
  );
};
