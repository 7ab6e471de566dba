/**
 * The program `scheduler-phone`: one simulated phone, by hand.
 *
 * Prints one line of JSON when it is ready and ends by SIGTERM, SIGINT or, with
 * `--with-parent`, when its standard input closes.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FAULTS } from './faults.ts';
import { type SimulatedPhoneOptions, startSimulatedPhone } from './simulated-phone.ts';

const HELP = `scheduler-phone: a simulated Android phone with a pretend video app, for rehearsals

  scheduler-phone --name phone-1 --accounts alice,bob [options]

  --name NAME          what it is called (phone-1)
  --accounts A,B       the accounts signed in in its app "Demo" (package demo.video)
  --signed-in A        the account in front at the start (the first)
  --dir DIR            where its posts, files and gallery live (simulated-phones/NAME)
  --port N             adb's port on 127.0.0.1 (a free one)
  --control-port N     the control port on 127.0.0.1 (a free one)
  --upload-ms N        how long an upload takes (300)
  --with-parent        end when standard input closes
  --help               this text

When it is ready it prints one line of JSON: {"name", "adb", "control"}. Then:

  adb connect 127.0.0.1:PORT         the phone, as adb and Appium see it
  curl CONTROL/ledger                what was published: account, sha256, caption, time
  curl CONTROL/state                 what it shows; CONTROL/requests counts UI requests
  curl -X POST CONTROL/faults -d '{"name":"drop","on":"tap:Post"}'
  curl -X DELETE CONTROL/faults      everything works again

Faults (keys besides name: on, after, once, account, ms, carried_out, background):
${Object.entries(FAULTS)
  .map(([name, what]) => `  ${name.padEnd(20)} ${what}`)
  .join('\n')}
`;

export interface PhoneCliIo {
  readonly argv: readonly string[];
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Resolves when the program is to end. */
  readonly ended: (withParent: boolean) => Promise<unknown>;
}

/** @returns the exit code: 0, 1 when it could not start, 2 on bad usage */
export async function runPhoneCli(io: PhoneCliIo): Promise<number> {
  const parsed = parseOptions(io.argv);
  if (typeof parsed === 'string') {
    io.err(`scheduler-phone: ${parsed} (see scheduler-phone --help)\n`);
    return 2;
  }
  if (parsed.help) {
    io.out(HELP);
    return 0;
  }
  // Asked before anything is started, so that an early signal is not lost.
  const ended = io.ended(parsed.withParent);
  try {
    const phone = await startSimulatedPhone(parsed.options);
    io.out(`${JSON.stringify({ name: phone.name, adb: phone.adbAddress, control: phone.controlUrl })}\n`);
    await ended;
    await phone.stop();
    return 0;
  } catch (error) {
    io.err(`scheduler-phone: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

interface ParsedOptions {
  readonly help: boolean;
  readonly withParent: boolean;
  readonly options: SimulatedPhoneOptions;
}

/** Answers what is wrong with the arguments, in words, or the options. */
function parseOptions(argv: readonly string[]): ParsedOptions | string {
  try {
    const { values } = parseArgs({
      args: [...argv],
      strict: true,
      options: {
        name: { type: 'string', default: 'phone-1' },
        accounts: { type: 'string', default: '' },
        'signed-in': { type: 'string' },
        dir: { type: 'string' },
        port: { type: 'string', default: '0' },
        'control-port': { type: 'string', default: '0' },
        'upload-ms': { type: 'string', default: '300' },
        'with-parent': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const accounts = values.accounts.split(/[\s,]+/).filter((account) => account !== '');
    if (accounts.length === 0 && !values.help) return 'name its accounts: --accounts alice,bob';
    const signedIn = values['signed-in'];
    const options: SimulatedPhoneOptions = {
      name: values.name,
      accounts,
      folder: values.dir ?? join('simulated-phones', values.name),
      port: wholeNumber('--port', values.port),
      controlPort: wholeNumber('--control-port', values['control-port']),
      uploadMs: wholeNumber('--upload-ms', values['upload-ms']),
      ...(signedIn === undefined ? {} : { signedIn }),
    };
    return { help: values.help, withParent: values['with-parent'], options };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function wholeNumber(flag: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`${flag} takes a whole number, not "${text}"`);
  return Number(text);
}

/** The program itself, on the real process; also behind `scheduler --simulate-phone`. Answers the exit code. */
export async function main(argv: readonly string[] = process.argv.slice(2)): Promise<number> {
  const code = await runPhoneCli({
    argv,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    ended: (withParent) => {
      const signals = [once(process, 'SIGTERM'), once(process, 'SIGINT')];
      if (!withParent) return Promise.race(signals);
      process.stdin.resume();
      return Promise.race([...signals, once(process.stdin, 'close'), once(process.stdin, 'end')]);
    },
  });
  // With stdin open the process would stay.
  process.stdin.destroy();
  process.exitCode = code;
  return code;
}
