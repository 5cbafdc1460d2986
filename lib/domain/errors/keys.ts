/** Error codes of keys: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const keysErrors = errorGroup({
  SecretStoreDenied: {
    retry: false,
    advice: 'The secret store refused access. Check the role or the rights on its directory, and the KMS key it uses.',
  },
  SecretStoreUnavailable: {
    retry: true,
    advice: 'The secret store does not answer. Check its address, its health and its quota; then try again.',
  },
  SecretStoreLocked: {
    retry: false,
    advice:
      'The passphrase or key file is not the one this secret store was made with. Use that one; without it nothing in the store can be read.',
  },
  KeyFileRefused: {
    retry: false,
    advice:
      'Keep the key file where only the account of the program can read it (chmod 600), with at least 32 random bytes in it.',
  },
  SecretDamaged: {
    retry: false,
    advice:
      'A stored secret was changed or damaged outside the program. Bring its file back from a copy; do not write over it.',
  },
  SecretMarkedForDeletion: {
    retry: false,
    advice:
      'Somebody scheduled this secret for deletion. Cancel that at once with `aws secretsmanager restore-secret`, and find out who did it.',
  },
  SecretRefused: {
    retry: false,
    advice:
      'A secret needs a name of letters, digits and /_+=.@- up to 512 characters, and a value of 1 to 65,536 bytes. Change the name in the configuration.',
  },
  SecretNotKept: {
    retry: false,
    advice:
      'The secret store gave back another value than was written, or none. Check its rights and its health before any backup; until then keep the master key by hand.',
  },
  KeyRotatedDuringBackup: {
    retry: false,
    advice: 'The master key changed while the database was dumped. Finish the rotation on every node, then ask again.',
  },
  KeyDoesNotOpenData: {
    retry: false,
    advice:
      'The saved master key does not open the secrets in the database. Make sure that the configuration names the database this server uses; see docs/runbook.md before anything is restored.',
  },
});
