/**
 * What lies in every archive so that it can be taken apart without this program: a shell script and a page for people.
 * The script follows `docs/format.md`; a test runs it.
 */
import type { Manifest } from '../domain/archives/archive.ts';
import { secretNames } from '../domain/names.ts';

export type Guided = Pick<
  Manifest,
  'archiveId' | 'instance' | 'takenAt' | 'source' | 'keys' | 'dump' | 'folders' | 'database'
>;

/** `restore.sh`: needs `sh`, its usual companions, `zstd` and `sha256sum`. */
export const restoreScript = ({ archiveId, instance, folders, database }: Guided): string => `#!/bin/sh
# Takes archive ${archiveId} apart: folders and database.bak, into an empty or new folder.
#   sh restore.sh TARGET [STORE]     STORE: the folder that holds "${instance}/"; four above this file if not given
# Needs sh, dd, tail, head, grep, sort, touch, zstd and sha256sum. Reads only; every byte is compared with its SHA-256.
set -eu
LC_ALL=C
export LC_ALL
target=\${1:?usage: sh restore.sh TARGET [STORE]}
store=\${2:-$(dirname "$0")/../../..}
base=$store/${instance}

fail() { echo "restore.sh: $1" >&2; exit 1; }
for tool in dd tail head grep sort touch zstd sha256sum; do command -v "$tool" >/dev/null || fail "$tool is not installed"; done
mkdir -p "$target"
[ -z "$(ls -A "$target")" ] || fail "$target is not empty"
target=$(cd "$target" && pwd)
work=$target/.restore
mkdir "$work"
trap 'rm -rf "$work"' EXIT
dated=yes
touch -d @1.000001 "$work/dated" 2>/dev/null || dated=
[ -n "$dated" ] || echo "restore.sh: this touch knows no -d @SECONDS: files get the time of now" >&2

# check FILE SHA256 [NAME]
check() {
  sum=$(sha256sum <"$1") || fail "cannot read \${3:-$1}"
  [ "\${sum%% *}" = "$2" ] || fail "damaged: \${3:-$1}"
}

# decode TEXT: the bytes of a path into $decoded
decode() {
  decoded=$1
  case $1 in *\\\\*) decoded=$(printf '%b.' "$1") && decoded=\${decoded%.} ;; esac
}

# place TEXT: the path below the target into $path
place() {
  decode "$1"
  case /$decoded/ in *//* | */./* | */../*) fail "the index names the path $1" ;; esac
  path=$target/$decoded
}

# make_folder PATH
make_folder() { mkdir -p "$1" || fail "cannot make the folder $1"; }

# finish FILE MODE MICROSECONDS: the time first, as the mode may forbid it
finish() {
  fraction=$((1000000 + $3 % 1000000))
  [ -z "$dated" ] || touch -d "@$(($3 / 1000000)).\${fraction#1}" "$1" || fail "cannot set the time of $1"
  chmod "$2" "$1" || fail "cannot set the mode of $1"
}

# cut FILE OFFSET LENGTH
cut_out() { tail -c "+$(($2 + 1))" "$1" | head -c "$3"; }

# take_apart INDEX_SHA256 FOLDER_OF_PACKS
take_apart() {
  check "$base/indexes/$1.zst" "$1"
  zstd -qdc "$base/indexes/$1.zst" >"$work/index" || fail "cannot unpack $base/indexes/$1.zst"
  packs=0
  files=0
  while read -r kind a b c d e f; do
    case $kind in
    octo-index) [ "$a" = 1 ] || fail "unknown format $a" ;;
    N)
      place "$a"
      make_folder "$path"
      ;;
    K)
      eval "pack_$packs=$a"
      packs=$((packs + 1))
      ;;
    D)
      place "$b"
      make_folder "$path"
      ;;
    M)
      place "$e"
      true >"$path" || fail "cannot write $path"
      eval "file_$files=\\$path mode_$files=$a time_$files=$b digest_$files=$d"
      files=$((files + 1))
      ;;
    B)
      eval "pack=\\$pack_$a"
      case $d in
      z) cut_out "$base/$2/$pack" "$b" "$c" | zstd -qdc >"$work/block" || fail "damaged: $2/$pack" ;;
      r) cut_out "$base/$2/$pack" "$b" "$c" >"$work/block" || fail "cannot read $2/$pack" ;;
      *) fail "unknown codec $d" ;;
      esac
      [ "$f" = - ] || check "$work/block" "$f" "$2/$pack"
      ;;
    F)
      place "$f"
      cut_out "$work/block" "$e" "$c" >"$path" || fail "cannot write $path"
      check "$path" "$d"
      finish "$path" "$a" "$b"
      ;;
    C)
      eval "path=\\$file_$a"
      dd if="$work/block" of="$path" bs=512 skip=$((c / 512)) seek=$((b / 512)) count=$(((d + 511) / 512)) \\
        conv=notrunc 2>"$work/dd" || fail "cannot write $path: $(cat "$work/dd")"
      ;;
    esac
  done <"$work/index"
  while [ "$files" -gt 0 ]; do
    files=$((files - 1))
    eval "path=\\$file_$files a=\\$mode_$files b=\\$time_$files d=\\$digest_$files"
    check "$path" "$d"
    finish "$path" "$a" "$b"
  done
  # Links after all files, so that nothing is written through one.
  grep '^L ' "$work/index" >"$work/rest" || true
  while read -r kind a b; do
    place "$b"
    decode "$a"
    ln -s -- "$decoded" "$path" || fail "cannot make the link $path"
  done <"$work/rest"
  # The modes of folders last, the deepest first: one that may not be entered hides those below.
  grep '^D ' "$work/index" | sort -r -k 3 >"$work/rest"
  while read -r kind a b; do
    place "$b"
    chmod "$a" "$path" || fail "cannot set the mode of $path"
  done <"$work/rest"
}

echo "database.bak ..." >&2
take_apart ${database.indexSha256} database
echo "${folders.fileCount} files ..." >&2
take_apart ${folders.indexSha256} packs
echo "done: all of archive ${archiveId} is in $target" >&2
`;

/** Where the part of the page begins that is about the server: everything before it is about getting the bytes. */
export const NEXT_STEPS = '## 2. Put the server back';

/** `RESTORE.md`: from an empty machine to a running server, by hand. */
export const restoreGuide = ({ archiveId, instance, takenAt, source, keys, dump, folders, database }: Guided): string =>
  `# Restoring ${instance} from ${archiveId} by hand

Taken ${takenAt} from Octopus Deploy ${source.octopusVersion} (installation ${source.installationId}), ${dump.consistency}.

| | |
|---|---|
| Database | ${dump.database}, ${database.sizeBytes} bytes, from ${dump.sqlServer.edition} ${dump.sqlServer.version}, collation ${dump.collation} |
| SHA-256 of the dump | \`${database.sha256}\` |
| Files | ${folders.fileCount}, ${folders.sizeBytes} bytes |
| Master key | fingerprint \`${keys.masterKeyFingerprint}\`; the key itself is in the secret store as \`${secretNames.masterKey(instance, keys.masterKeyFingerprint)}\`, never here |

## 1. Get the bytes

Copy everything below \`${instance}/\` of the store to a disk (\`aws s3 sync s3://BUCKET/${instance} STORE/${instance}\`); a read-only copy
or mount does as well. Then, where \`zstd\` is installed:

    sh STORE/${instance}/archives/${archiveId}/restore.sh TARGET

It compares everything with its SHA-256 and leaves in TARGET: \`database.bak\`, and one folder for each place:

${folders.places.map(({ name, path, fileCount }) => `- \`${name}/\`: ${fileCount} files, from \`${path}\``).join('\n')}${(folders.leftOut ?? []).map(({ name, path }) => `\n- \`${name}/\` was left out of this archive on purpose; it lay at \`${path}\``).join('')}

Files keep their modes and times, folders and links only their modes and targets. If it stops, it says at what and exits with 1; what is in
TARGET then is not whole.

${NEXT_STEPS}

1. Install Octopus Deploy ${source.octopusVersion}, exactly this version, and stop it: \`Octopus.Server service --stop\`. On a server that is there
   already, first write down how it is now (\`Octopus.Server show-master-key\`, \`show-configuration\`), and keep what it has: rename
   its database and its folders instead of overwriting them, until the restored server has proven itself.
2. Restore the dump, on a SQL Server not older than ${dump.sqlServer.version} whose account may read the file. Its data files lie where they lay on the old server,
   which another one has no such folder for, so ask for their names and say where each is to lie (one \`MOVE\` for each row of the first answer):

       RESTORE FILELISTONLY FROM DISK = N'…\\database.bak';
       RESTORE DATABASE [${dump.database}] FROM DISK = N'…\\database.bak' WITH CHECKSUM,
         MOVE N'<LogicalName, Type D>' TO N'<data folder>\\${dump.database}.mdf',
         MOVE N'<LogicalName, Type L>' TO N'<log folder>\\${dump.database}_log.ldf';

   \`logins.json\` beside this page lists the logins that the database expects. Join each user with its login, and make the account of
   Octopus owner: \`ALTER USER [name] WITH LOGIN = [name]\`, \`ALTER ROLE db_owner ADD MEMBER [name]\`.
3. **Before the first start**, put to sleep what would act by itself: the restored server believes to be the old one and would go on with its
   work. Write down what the first two lines answer, to switch just that on again. A table that this version does not have is left out.

       SELECT Id, Name FROM ProjectTrigger WHERE IsDisabled = 0;
       SELECT Id, Name FROM Subscription WHERE IsDisabled = 0;
       UPDATE ProjectTrigger SET IsDisabled = 1;
       UPDATE Subscription SET IsDisabled = 1;
       UPDATE OctopusServerNode SET IsInMaintenanceMode = 1;
       UPDATE ServerTask SET State = N'Canceled', HasPendingInterruptions = 0
         WHERE State IN (N'New', N'Queued', N'Executing', N'Cancelling');

   **Is it a copy beside a server that goes on working?** Then it must not reach anything that is in use, so these as well. Tentacles that
   listen would take orders from the copy at once.

       UPDATE Machine SET IsDisabled = 1;
       UPDATE Worker SET IsDisabled = 1;
       DELETE FROM OctopusServerNodeStatus;
       DELETE FROM OctopusServerNode;
       DELETE FROM ExtensionConfiguration WHERE Id IN (N'authentication-octopusid', N'jira-integration');
       UPDATE Configuration SET JSON = JSON_MODIFY(JSON, '$.InstallationId', CONVERT(nvarchar(36), NEWID()))
         WHERE Id = N'upgradeavailability';

   Mail, issue trackers, audit streams and cloud accounts are yours to decide: they are under Configuration and Infrastructure.
4. Get the master key: it is the secret \`${secretNames.masterKey(instance, keys.masterKeyFingerprint)}\`. How to read it where this program no longer runs is in
   \`docs/runbook.md\` of the program, section "The bot is gone"; it also says how to compare the key with its fingerprint
   (salt \`${keys.salt}\`). Then give the server database and key, on every node:
   \`Octopus.Server database --connectionString=… --masterKey=…\`. With another key nothing that is encrypted can be read.
5. Copy the folders to where the server looks for them, which the restored database says: the paths they are from. Where it is to look
   elsewhere, tell it (\`Octopus.Server path --nugetRepository=… --artifacts=… --taskLogs=… --eventExports=… --imports=…\`). Give
   the account of Octopus full control of them. \`host.json\` says how the node was set up.
6. Start it (\`Octopus.Server service --start\`), sign in, and look before people do: the version, a project, a release with its packages, a
   deployment with its log and artifacts.
7. Let it work again: \`Octopus.Server node --drain=false\`, re-index the built-in feed (Library, Packages), switch the triggers and
   subscriptions on that were on, and end maintenance mode if it is on.

The stored format is written down in \`docs/format.md\` of the program.
`;
