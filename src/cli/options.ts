/**
 * The command line as data: argv in, Options out, nothing done and nothing
 * exited. What the flags do, and in which order, is main's and the other files'
 * of this folder.
 */
import { Command as Commander, CommanderError, Option } from 'commander';
import { SchedulerError } from '../errors.ts';
import { CARE, type Care, careOf, type RawCare } from './care-options.ts';
import { duration, integer, keep, mapping, names, newNames, oneName, whole } from './flag-values.ts';
import { type ActCommand, type EditOptions, editOf, orders, type RawOrders } from './orders.ts';
import { explainUsage } from './usage.ts';

export interface AddOptions {
  readonly folders: readonly string[];
  readonly accounts: readonly string[];
  /** `--account`: every video of this command belongs to it. */
  readonly boundTo: string | null;
  /** `--at`: ISO time, or local time in the account's zone; raw text. */
  readonly at: string | null;
  /** `--again`: the ordered repeat of videos that are known already. */
  readonly again: boolean;
  readonly maxAttempts: number | null;
}

export interface ImportOptions {
  /** Files to import: `--import` and `--state-file`. */
  readonly files: readonly string[];
  /** `--timezone` for times without an offset; null = that of the config. */
  readonly timezone: string | null;
  /** `--map FROM=TO`. */
  readonly map: readonly { readonly from: string; readonly to: string }[];
}

/** Flags combine and run in the order of these fields: add, import, act, run, status. */
export interface Options {
  readonly home: string | null;
  readonly config: string | null;
  readonly add: AddOptions;
  readonly import: ImportOptions;
  readonly act: readonly ActCommand[];
  /** Changes to videos that wait; null = none. */
  readonly edit: EditOptions | null;
  readonly exportFile: string | null;
  /** null = do not run. `--seed-only` leaves it null. */
  readonly run: 'daemon' | 'drain' | null;
  /** `--accounts`: limits this run; null = all. */
  readonly onlyAccounts: readonly string[] | null;
  /** What to show at the end; null = nothing. */
  readonly show: 'status' | 'plan' | 'events' | 'config' | null;
  /** Which events `--events` shows. */
  readonly events: { readonly job: string | null; readonly follow: boolean };
  readonly json: boolean;
  readonly watch: boolean;
  /** For loadConfig; the keys are those of ConfigOverrides. */
  readonly overrides: {
    readonly store?: string;
    readonly workers?: number;
    readonly maxPasses?: number;
    readonly retryDelayMs?: number;
    readonly infraRetryLimit?: number;
    readonly unknownIsRetryable?: boolean;
  };
  /** Looks after the installation and does nothing else; null = not asked for. */
  readonly care: Care | null;
  /** The rest of the line goes to scheduler-phone as it is; null = not asked for. */
  readonly simulatePhone: readonly string[] | null;
  /** Text to print instead of doing anything (`--help`, `--version`); null = go on. */
  readonly print: string | null;
}

interface RawOptions extends RawCare, RawOrders {
  addFolder?: string[];
  addAccounts?: string[];
  account?: string;
  at?: string;
  again?: true;
  maxAttempts?: number;
  seedOnly?: true;
  import?: string[];
  stateFile?: string;
  timezone?: string;
  map?: { from: string; to: string }[];
  export?: string;
  run?: true;
  drain?: true;
  daemon?: true;
  workers?: number;
  accounts?: string[];
  maxPasses?: number;
  retryDelay?: number;
  infraRetryLimit?: number;
  /** False by `--no-retry-unknown`; commander's own way. */
  retryUnknown: boolean;
  status?: true;
  plan?: true;
  events?: true;
  showConfig?: true;
  json?: true;
  watch?: true;
  home?: string;
  config?: string;
  store?: string;
}

/**
 * Reads the words after `scheduler`. Never exits and prints nothing.
 *
 * @param argv without the program's own two words
 * @throws SchedulerError BAD_USAGE with one sentence, for the first thing that is wrong
 */
export function parseArgv(argv: readonly string[], version: string): Options {
  const phone = argv.indexOf('--simulate-phone');
  if (phone >= 0) return { ...NOTHING, simulatePhone: argv.filter((_, index) => index !== phone) };
  let printed = '';
  const program = describeProgram(version).configureOutput({
    writeOut: (text) => {
      printed += text;
    },
    writeErr: () => undefined,
  });
  try {
    program.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { ...NOTHING, print: printed };
    throw new SchedulerError('BAD_USAGE', { details: { what: explainUsage({ message: error.message, argv, flags: flagsOf(program) }) } });
  }
  if (argv.length === 0) return { ...NOTHING, print: helpPage(program) };
  refuseEmpty(program);
  const said = program.options.filter((option) => program.getOptionValueSource(option.attributeName()) === 'cli');
  return arrange(
    program.opts<RawOptions>(),
    said.map(({ long }) => long ?? ''),
  );
}

/** `--home "$NOT_SET"`: nothing stands for what was meant, and nothing else must be taken for it. A caption may be empty. */
function refuseEmpty(program: Commander): void {
  const values = program.opts<Readonly<Record<string, unknown>>>();
  for (const option of program.options) {
    const value = values[option.attributeName()];
    const empty = value === '' || (Array.isArray(value) && value.includes(''));
    check(!empty || option.long === '--caption', `what stands behind ${option.long} is empty`);
  }
}

const NOTHING: Options = {
  home: null,
  config: null,
  add: { folders: [], accounts: [], boundTo: null, at: null, again: false, maxAttempts: null },
  import: { files: [], timezone: null, map: [] },
  act: [],
  edit: null,
  exportFile: null,
  run: null,
  onlyAccounts: null,
  show: null,
  events: { job: null, follow: false },
  json: false,
  watch: false,
  overrides: {},
  care: null,
  simulatePhone: null,
  print: null,
};

const EXAMPLES = `Publishes the team's videos from its own accounts, through the apps on its Android phones.

Every day:
  scheduler --add-folder chunk --add-accounts alice,bob --run
      add today's videos and publish them
  scheduler --status
      what goes out, what waits, who needs a person
  scheduler --settle JOB published
      say what became of a post nobody is sure about
`;

const ENDING = `
Flags combine and run in this order: add, import, act, run, status.
Durations are written 15s, 10m, 1h; a plain number is seconds.
Exit codes: 0 done · 1 error · 2 usage or configuration · 3 another instance runs here
            4 drained, but something failed, is uncertain, on hold or still to be retried
`;

function describeProgram(version: string): Commander {
  const program = new Commander('scheduler')
    .usage('[flags]')
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this page')
    .allowExcessArguments(false)
    .configureHelp({ helpWidth: 100 })
    .exitOverride()
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', ENDING.trimEnd());
  const groups: readonly (readonly [string, readonly Option[]])[] = [
    ['Add', ADD],
    ['Import and export', MOVE],
    ['Act', ACT],
    ['Run', RUN],
    ['Look', LOOK],
    ['Look after it', CARE.map(([flags, description]) => new Option(flags, description))],
    ['Where', WHERE],
  ];
  for (const [heading, options] of groups) {
    for (const option of options) program.addOption(option.helpGroup(`${heading}:`));
  }
  return program;
}

function flagsOf(program: Commander): ReadonlyMap<string, boolean> {
  const own = program.options.map(({ long, required, optional }) => [long ?? '', required || optional] as const);
  return new Map([...own, ['--help', false]]);
}

const ADD = [
  list('--add-folder <dir>', 'queue every .mp4 of a folder and its sub-folders (repeatable)', keep),
  list('--add-accounts <names...>', 'add accounts, and give them the videos of this command (commas or spaces)', newNames),
  new Option('--account <name>', 'all videos of this command belong to this account').argParser(oneName),
  new Option('--at <time>', "publish not before: ISO, or local time in the account's zone (2026-11-22 18:30)"),
  new Option('--again', 'with --account: publish videos that this home knows already once more'),
  new Option('--max-attempts <n>', 'tries per video of this command').argParser(whole(1)),
  new Option('--seed-only', 'queue, do not run'),
  list('--undo-add <batch>', 'take back what an --add-folder queued, but for what is published or under way', keep),
  list('--undo-accounts <names...>', 'take back accounts that never posted, such as mistyped ones', names),
];

const MOVE = [
  list('--import <file>', 'import a scheduler_state.json, a progress CSV, a posted ledger or a campaign folder', keep),
  new Option('--state-file <file>', 'the scheduler_state.json to import'),
  new Option('--timezone <zone>', 'zone of imported times that name none, such as Europe/Berlin'),
  list('--map <from=to>', "rewrite imported paths: 'C:\\videos=/mnt/videos'", mapping),
  new Option('--export <file>', 'write the whole state (.json) or the jobs (.csv)'),
];

const ACT = [
  list('--retry <job...>', "give a failed job more attempts; 'all' for every failed one", keep),
  new Option('--retry-all-failed', 'the same for every job that failed by machines or for unknown reasons'),
  new Option('--retry-include-non-retryable', 'with it: also those refused by the platform, or broken'),
  list('--skip <job...>', 'never publish it', keep),
  list('--settle <job verdict...>', 'an uncertain post: published, or absent', keep),
  list('--holder-gone <pid@host>', 'a holder that --settle named has ended for sure; its posts can be settled as absent', keep),
  list('--release <account...>', 'the account is in order again: let it post', names),
  new Option('--pause [what...]', 'no further post is started: by an account, by phone:NAME, or by nobody at all'),
  new Option('--resume [what...]', 'and goes on'),
  new Option('--reload', 'the running scheduler reads scheduler.yaml again'),
  list('--edit <job...>', 'change a video that waits, by --caption, --at, --account or --priority', keep),
  new Option('--caption <text>', 'with --edit: the new caption'),
  new Option('--priority <n>', 'with --edit: lower goes first').argParser(integer),
  new Option('--stop', 'the running scheduler ends: posts before their commit point are given back'),
  new Option('--stop-all', 'the same, and when none runs: end what a dead one left behind'),
  new Option('--force-kill-ports', 'end what a dead scheduler of this home left on its ports, and nothing else'),
];

const RUN = [
  new Option('--run', 'publish until stopped'),
  new Option('--drain', 'with --run: end when nothing more can be done now'),
  new Option('--daemon', 'with --max-passes: do not end'),
  new Option('--workers <n>', 'how many post at the same time').argParser(whole(1)),
  list('--accounts <names...>', 'only these, in this run', names),
  new Option('--max-passes <n>', 'end after so many sweeps over the queue (means --drain)').argParser(whole(1)),
  new Option('--retry-delay <time>', 'pause between two passes').argParser(duration),
  new Option('--infra-retry-limit <n>', "retries per video after a machine's trouble").argParser(whole(0)),
  new Option('--no-retry-unknown', 'an error of unknown origin fails a video at once'),
  new Option('--simulate-phone', 'start a pretend phone to rehearse on; further flags go to scheduler-phone'),
];

const LOOK = [
  new Option('--status', 'what it does and what waits'),
  new Option('--plan', 'who posts what, when and where, and why not'),
  new Option('--events', 'what happened, one line each; with --job J of one video, with --follow on and on'),
  new Option('--show-config', 'every setting in force, and where it comes from'),
  new Option('--json', 'the same for programs'),
  new Option('--watch', 'again and again, until Ctrl+C'),
];

const WHERE = [
  new Option('--home <dir>', 'where the queue lives (else SCHEDULER_HOME, else this folder)'),
  new Option('--config <file>', 'another scheduler.yaml'),
  new Option('--store <file>', 'another database than scheduler_state.db in the home'),
];

function list<T>(flags: string, description: string, read: (word: string) => readonly T[]): Option {
  return new Option(flags, description).argParser((word: string, before: readonly T[] = []) => [...before, ...read(word)]);
}

/** What `scheduler` alone shows; the same as `--help`. */
function helpPage(program: Commander): string {
  return `${EXAMPLES}\n${program.helpInformation()}${ENDING}`;
}

/** @param said every flag of the line, such as `--home` */
function arrange(raw: RawOptions, said: readonly string[]): Options {
  const files = [...(raw.import ?? []), ...(raw.stateFile === undefined ? [] : [raw.stateFile])];
  const drain = raw.drain === true || (raw.maxPasses !== undefined && raw.daemon !== true);
  check(!(raw.daemon && raw.drain), '--daemon and --drain exclude each other');
  const shown = (['status', 'plan', 'events', 'showConfig'] as const).filter((flag) => raw[flag]);
  check(shown.length < 2, `--${dashed(shown[0])} and --${dashed(shown[1])} exclude each other`);
  check(!(raw.json && raw.watch), '--json and --watch exclude each other');
  check(!raw.watch || shown[0] === undefined || shown[0] === 'status', `--watch belongs to --status; --${dashed(shown[0])} is shown once`);
  check(!(raw.pause && raw.resume), '--pause and --resume exclude each other');
  check(!((raw.stop || raw.stopAll) && (raw.run || raw.drain)), '--stop and --run exclude each other');
  check(!raw.retryIncludeNonRetryable || raw.retryAllFailed === true, '--retry-include-non-retryable belongs to --retry-all-failed');
  check(!(raw.seedOnly && (raw.run || raw.drain)), '--seed-only and --run exclude each other');
  check(
    raw.addFolder !== undefined || (raw.again === undefined && (raw.edit !== undefined || !(raw.at || raw.account))),
    '--at, --account and --again say how --add-folder is meant; name a folder',
  );
  check(raw.maxAttempts === undefined || raw.addFolder !== undefined, '--max-attempts belongs to --add-folder; name a folder');
  check(
    files.length > 0 || (raw.timezone === undefined && raw.map === undefined),
    '--timezone and --map say how --import is meant; name a file',
  );
  check(!raw.again || raw.account !== undefined, '--again repeats posts of one account: name it by --account NAME');
  return {
    home: raw.home ?? null,
    config: raw.config ?? null,
    add: {
      folders: raw.addFolder ?? [],
      accounts: raw.addAccounts ?? [],
      boundTo: raw.account ?? null,
      at: raw.at ?? null,
      again: raw.again ?? false,
      maxAttempts: raw.maxAttempts ?? null,
    },
    import: { files, timezone: raw.timezone ?? null, map: raw.map ?? [] },
    act: orders(raw, check),
    edit: editOf(raw, check),
    exportFile: raw.export ?? null,
    run: raw.run || raw.drain ? (drain ? 'drain' : 'daemon') : null,
    onlyAccounts: raw.accounts ?? null,
    show: shownOf(raw, shown[0]),
    events: { job: raw.job ?? null, follow: raw.follow ?? false },
    json: raw.json ?? false,
    watch: raw.watch ?? false,
    overrides: overridesOf(raw),
    care: careOf(raw.events ? withoutEvents(raw) : raw, said, refuse),
    simulatePhone: null,
    print: null,
  };
}

/** `--json` and `--watch` alone mean the status. */
function shownOf(raw: RawOptions, flag: 'status' | 'plan' | 'events' | 'showConfig' | undefined): Options['show'] {
  if (flag !== undefined) return flag === 'showConfig' ? 'config' : flag;
  return raw.json || raw.watch ? 'status' : null;
}

/** `--job` and `--follow` belong to `--events` then. */
function withoutEvents({ job: _job, follow: _follow, ...rest }: RawOptions): RawOptions {
  return rest;
}

function dashed(flag: string | undefined): string {
  return flag === 'showConfig' ? 'show-config' : (flag ?? '');
}

function overridesOf(raw: RawOptions): Options['overrides'] {
  return {
    ...(raw.store === undefined ? {} : { store: raw.store }),
    ...(raw.workers === undefined ? {} : { workers: raw.workers }),
    ...(raw.maxPasses === undefined ? {} : { maxPasses: raw.maxPasses }),
    ...(raw.retryDelay === undefined ? {} : { retryDelayMs: raw.retryDelay }),
    ...(raw.infraRetryLimit === undefined ? {} : { infraRetryLimit: raw.infraRetryLimit }),
    ...(raw.retryUnknown ? {} : { unknownIsRetryable: false }),
  };
}

function check(condition: boolean, what: string): void {
  if (!condition) refuse(what);
}

function refuse(what: string): never {
  throw new SchedulerError('BAD_USAGE', { details: { what } });
}
