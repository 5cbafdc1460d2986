/** Asks why an archive that is suspicious or has gaps is to count as good, and shows what it is about. */
import type { Manifest } from '../../domain/archives/archive.ts';
import type { ChatForm } from '../../ports/chat.ts';
import type { FieldValue } from '../receive.ts';
import { cut } from '../text.ts';

export const ACCEPT_FORM = 'backup-accept';

const LINES_SHOWN = 8;

type Shown = Pick<Manifest, 'instance' | 'archiveId' | 'gaps' | 'unusual'>;

/** The form for this archive. */
export const acceptForm = ({ instance, archiveId, gaps, unusual = [] }: Shown): ChatForm => {
  const found = [...unusual, ...gaps];
  const left = found.length - LINES_SHOWN;
  const lines = [
    `${archiveId} of ${instance}`,
    ...found.slice(0, LINES_SHOWN).map((line) => `• ${cut(line, 250)}`),
    ...(left > 0 ? [`and ${left} more`] : []),
    'Accepted, it counts as good: it can be the newest good archive, and stays under your name.',
  ];
  return {
    type: 'modal',
    callback_id: ACCEPT_FORM,
    private_metadata: JSON.stringify({ instance, archiveId }),
    title: plain('Accept the archive'),
    submit: plain('Accept'),
    close: plain('Leave it'),
    blocks: [
      { type: 'section', text: plain(lines.join('\n')) },
      {
        type: 'input',
        label: plain('What did you find?'),
        element: { type: 'plain_text_input', action_id: 'reason', multiline: true, max_length: 3000 },
      },
    ],
  };
};

/** What the sent form says: the arguments of the command that it stands for. */
export const acceptanceAsked = (privateMetadata: string, values: Readonly<Record<string, FieldValue>>) => {
  const { instance, archiveId } = JSON.parse(privateMetadata) as { instance: string; archiveId: string };
  const reason = values['reason'];
  const said: Record<string, string> =
    typeof reason === 'string' && reason.trim() !== '' ? { reason: reason.trim() } : {};
  return { positionals: { archive: archiveId }, options: { instance, ...said } };
};

const plain = (text: string) => ({ type: 'plain_text' as const, text });
