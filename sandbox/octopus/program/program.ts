/** The process behind an installed `Octopus.Server`: `program.ts <machine> <command> …`. */
import { runProgram } from './run.ts';

const [machine = '', ...words] = process.argv.slice(2);
process.exitCode = await runProgram({
  machine,
  words,
  print: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
});
