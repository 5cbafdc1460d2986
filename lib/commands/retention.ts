/** `/octo backup retention`: each archive with the rule that keeps it, or that it goes with the next good backup. Changes nothing. */
import { type Rule, RULES, type Verdict } from '../domain/archives/retention.ts';
import { columns } from '../domain/reply.ts';
import { judgeAfterBackup, type Judged } from '../repository/store-care/candidates.ts';
import { count, utcTime } from '../slack/text.ts';
import { type Command, PLAN } from './grammar/command.ts';
import { instanceNamed } from './grammar/instance.ts';

const LIST_LENGTH = 100;

export const backupRetention: Command = {
  words: ['backup', 'retention'],
  summary: 'Which archives stay, by which rule, and which go with the next good backup.',
  positionals: [{ name: 'instance', summary: 'which Octopus server', isOptional: true }],
  options: PLAN,
  example: '/octo backup retention prod',
  perform: async (world, { positionals }) => {
    const instance = instanceNamed(world, positionals['instance']);
    const judged = await judgeAfterBackup(world, instance);
    const { verdicts } = judged;
    const left = verdicts.length - LIST_LENGTH;
    return {
      headline: headline(instance, verdicts),
      lines: [
        ...columns(verdicts.slice(0, LIST_LENGTH).map((verdict) => row(verdict, judged))),
        ...(left > 0 ? [`${left} older ones are left out here; --json has them all.`] : []),
        ...(verdicts.length === 0 ? [] : ['']),
        policyLine(judged),
        'To change it: /octo backup settings. To keep one whatever the rules say: /octo backup hold <archive>',
      ],
      json: { instance, retention: judged.retention, timeZone: judged.timeZone, archives: verdicts },
    };
  },
};

const headline = (instance: string, verdicts: readonly Verdict[]): string => {
  const going = verdicts.filter(({ rules }) => rules.length === 0).length;
  if (verdicts.length === 0) return `${instance} has no archive yet.`;
  return going === 0
    ? `${count(verdicts.length, 'archive')} of ${instance}, and none goes with the next good backup; nothing was changed.`
    : `${count(verdicts.length - going, 'archive')} of ${instance} would stay, ${count(going, 'archive')} would go with the next good backup; nothing was changed.`;
};

const row = ({ archiveId, takenAt, rules }: Verdict, { candidates }: Judged): string[] => {
  const { word, isDamaged, isSafety } = candidates.find((one) => one.archiveId === archiveId)!;
  const why = rules.length === 0 ? 'goes: no rule keeps it' : `stays: ${rules.map((rule) => WORDS[rule]).join(', ')}`;
  const state = isDamaged ? 'DAMAGED' : isSafety ? `${word}, of a restore` : word;
  return [archiveId, state, utcTime(takenAt), why];
};

const WORDS: Record<Rule, string> = {
  held: 'held',
  read: 'being read',
  locked: 'locked in the store',
  newest: 'no newer good one',
  floor: 'among the good ones that always stay',
  last: 'among the newest',
  daily: 'newest of its day',
  weekly: 'newest of its week',
  monthly: 'newest of its month',
  yearly: 'newest of its year',
};

const policyLine = ({ retention, timeZone }: Judged): string => {
  const counts = RULES.flatMap((rule) =>
    rule in retention ? [[rule, retention[rule as keyof typeof retention]]] : [],
  );
  return `Kept: ${counts.map(([rule, most]) => `${rule} ${most}`).join(', ')}; days are those of ${timeZone}.`;
};
