/**
 * Approval of backups as a setting: on or off, by whom, by how many. It adds to the policy of `octo.yml` and takes nothing
 * from it; whether the named people exist is asked where the policy is at hand.
 */
import { EVERYONE, MEMBER } from '../../runs/approval-policy.ts';
import { OctoError } from '../../errors.ts';
import { ON_OFF, onOff, oneOf, requireShort, whole, type SettingField } from './field.ts';

export const approvalFields: readonly SettingField[] = [
  {
    name: 'approval',
    label: 'Backups asked for by people need approval',
    hint: 'on or off; the schedule needs none, and what octo.yml asks for holds in any case',
    values: ON_OFF,
    read: ({ approval }) => onOff(approval.isRequired),
    write: (settings, text) => {
      const isRequired = oneOf('approval', text, ON_OFF) === 'on';
      return { ...settings, approval: { ...settings.approval, isRequired } };
    },
  },
  {
    name: 'approvers',
    label: 'Who may approve them',
    hint: `people of octo.yml and its groups as @name, or ${EVERYONE}; nobody approves their own`,
    read: ({ approval }) => approval.approvers.join(','),
    write: (settings, text) => {
      const approvers = [...new Set(text.split(/[,\s]+/).filter((name) => name !== ''))];
      const wrong = approvers.find((name) => !MEMBER.test(name));
      if (wrong !== undefined || approvers.length === 0)
        throw new OctoError('SettingInvalid', `approvers are names of people, @groups or ${EVERYONE}, not "${text}"`);
      requireShort('approvers', approvers.join(','));
      return { ...settings, approval: { ...settings.approval, approvers } };
    },
  },
  {
    name: 'approver-count',
    label: 'How many have to approve',
    hint: 'so many different people',
    read: ({ approval }) => String(approval.count),
    write: (settings, text) => {
      const count = whole('approver-count', text, { least: 1, most: 20 });
      return { ...settings, approval: { ...settings.approval, count } };
    },
  },
];
