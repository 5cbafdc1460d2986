/** Error codes of the object store, whatever holds it: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const storeErrors = errorGroup({
  StoreKeyExists: {
    retry: false,
    advice: 'Something is already stored under this name and is never overwritten. Read what is there before going on.',
  },
  StoreChanged: {
    retry: true,
    advice: 'Someone else changed the record first. Try again; the next attempt starts from what they wrote.',
  },
  StoreConflict: { retry: true, advice: 'Another write to the same name was under way. Try again in a moment.' },
  StoreUnavailable: {
    retry: true,
    advice:
      'The store does not answer or asks to slow down. Check its address, the network and its health; then try again.',
  },
  StoreDenied: {
    retry: false,
    advice: 'The store refused access. Check the credentials, the bucket policy or the rights on the directory.',
  },
  StoreFull: {
    retry: false,
    advice:
      'The store has no room left. Free space or raise the quota, then start the run again; nothing half is listed.',
  },
  StoreDamaged: {
    retry: true,
    advice:
      'The bytes are not those that were promised. Try once more; if it stays, run `octo backup verify` and check the disk or network.',
  },
  StoreMissing: {
    retry: false,
    advice: 'The bucket or directory of the store does not exist. Create it, or correct its name in the configuration.',
  },
  StoreKeyRefused: {
    retry: false,
    advice: 'The store cannot hold an object of this name or size. Report it with the run id; the facts name the key.',
  },
  StoreUnsuitable: {
    retry: false,
    advice: 'The store refuses a request that S3 serves. Run `octo check`, and use a store with conditional writes.',
  },
  RecordDamaged: {
    retry: false,
    advice:
      'A stored record is not what this version writes. Compare it with an earlier version of the file, or update the program; nothing was changed.',
  },
});
