/** Error codes of the audit, of holds and of deletions: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const auditErrors = errorGroup({
  AuditDamaged: {
    retry: false,
    advice:
      'Somebody changed or removed an entry of the audit. `octo audit verify` names it; find out who can write to the state store.',
  },
  ArchiveHeld: {
    retry: false,
    advice:
      'The archive is held on purpose. Ask whoever holds it, release it with `octo backup release`, then ask again.',
  },
  ArchiveNeeded: {
    retry: false,
    advice: 'It is among the last good archives, and those are never deleted. Take newer good backups first.',
  },
  DeleteNeedsApproval: {
    retry: false,
    advice:
      'Deleting takes the decision of a second person, which this version cannot ask for yet. `octo backup delete <archive> --plan` shows what would go; nothing was deleted.',
  },
});
