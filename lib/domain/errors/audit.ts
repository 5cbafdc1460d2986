/** Error codes of the audit: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const auditErrors = errorGroup({
  AuditDamaged: {
    retry: false,
    advice:
      'Somebody changed or removed an entry of the audit. `octo audit verify` names it; find out who can write to the state store.',
  },
});
