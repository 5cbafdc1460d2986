/** A server whose folders hold whatever a backup and a restore have to cope with. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plant } from './scratch.ts';
import { noise } from './trees.ts';

/** Every kind of file that has a stated outcome, and all of them come back. Task logs lie flat, as Octopus keeps them. */
export const plantOddities = (server: string): void => {
  plant(server, {
    'Packages/feeds/Payments.4.1.0.nupkg': noise(300_000, 1),
    'Packages/copy/Payments.4.1.0.nupkg': noise(300_000, 1),
    'Packages/large.zip': noise(9_500_001, 2),
    'Packages/large-text.json': Buffer.alloc(5_000_000, '{"name":"value"},\n'),
    'TaskLogs/a.txt': 'one line\n',
    'TaskLogs/empty.txt': '',
    'TaskLogs/ümläut 文件 & "quotes" $HOME `x`.txt': 'non-ASCII\n',
    'TaskLogs/back\\slash\ttab\nnewline\n': 'odd\n',
    'TaskLogs/-n': 'looks like an option\n',
    'Packages/locked/in it.txt': 'in a folder that may not be written to\n',
    [`Packages/${'d'.repeat(120)}/${'e'.repeat(200)}/${'f'.repeat(200)}.log`]: 'long\n',
  });
  for (let n = 0; n < 300; n++) plant(server, { [`Packages/many/${n}.txt`]: `log ${n % 250}\n`.repeat(n) });
  writeFileSync(Buffer.concat([Buffer.from(`${server}/TaskLogs/`), Buffer.of(0xff, 0xfe, 0x41)]), 'not UTF-8\n');
  mkdirSync(join(server, 'Packages/empty folder'));
  symlinkSync('/etc/passwd', join(server, 'TaskLogs/out of the tree'));
  symlinkSync('a.txt', join(server, 'TaskLogs/link'));
  symlinkSync('../many', join(server, 'Packages/locked/link'));
  chmodSync(join(server, 'TaskLogs/a.txt'), 0o640);
  chmodSync(join(server, 'Packages/large-text.json'), 0o444);
  chmodSync(join(server, 'Packages/locked'), 0o555);
};
