/** Files in three moves, as `files.uploadV2` makes them: ask for an address, send the bytes there, share. */
import { threadOf } from './chat.ts';
import { type Methods, Refusal } from './refusal.ts';
import { APP, type Workspace } from '../workspace.ts';

type Upload = { name: string; length: number; bytes: Buffer | null };

/** Uploads live in memory: they last as long as the stand-in runs. */
export const createFiles = (workspace: Workspace, urlOf: (id: string) => string) => {
  const uploads = new Map<string, Upload>();
  const methods: Methods = {
    'files.getUploadURLExternal': (args) => {
      const [name, length] = [args['filename'], Number(args['length'])];
      if (typeof name !== 'string' || !Number.isInteger(length) || length <= 0) throw new Refusal('invalid_arguments');
      const id = workspace.nextId('F');
      uploads.set(id, { name, length, bytes: null });
      return { upload_url: urlOf(id), file_id: id };
    },
    'files.completeUploadExternal': (args) => {
      const asked = (Array.isArray(args['files']) ? args['files'] : []) as { id: string; title?: string }[];
      if (asked.length === 0) throw new Refusal('invalid_arguments');
      const files = asked.map(({ id, title }) => {
        const upload = uploads.get(id);
        if (upload?.bytes == null) throw new Refusal('file_not_found');
        return { id, name: title ?? upload.name, sizeBytes: upload.length };
      });
      const channel = workspace.channels.find(({ id }) => id === args['channel_id']);
      if (args['channel_id'] !== undefined && channel === undefined) throw new Refusal('channel_not_found');
      if (channel !== undefined) {
        const text = typeof args['initial_comment'] === 'string' ? args['initial_comment'] : '';
        const threadTs = threadOf(workspace, args['thread_ts']);
        workspace.add({ channel: channel.id, user: APP.userId, text, files, threadTs });
      }
      return { files: files.map(({ id, name }) => ({ id, title: name })) };
    },
  };
  return {
    methods,
    /** Takes the bytes; false when nobody asked for this address or the length is another. */
    receive: (id: string, bytes: Buffer): boolean => {
      const upload = uploads.get(id);
      if (upload === undefined || bytes.length !== upload.length) return false;
      upload.bytes = bytes;
      return true;
    },
    read: (id: string): { name: string; bytes: Buffer } | null => {
      const upload = uploads.get(id);
      return upload?.bytes == null ? null : { name: upload.name, bytes: upload.bytes };
    },
  };
};
