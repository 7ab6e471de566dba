/**
 * `scheduler.yaml` as people write it: which keys there are, what each does,
 * what it may be, and what stands for one that is absent. docs/configuration.md
 * is made of this file. The one home of `zod`. What is said about a wrong file
 * is `config-file.ts`; what the settings mean together is `config.ts`.
 */
import { z } from 'zod';
import { ACCOUNT_NAME_RULE, isAccountName } from './domain/account.ts';
import { formatDuration, parseDuration } from './domain/duration.ts';
import { DEFAULT_PHASE_LIMITS_MS, type Phase } from './domain/failure.ts';
import { isZone } from './domain/local-time.ts';
import { DEFAULT_RETRY, mergePolicies, type RetryInput } from './domain/retry.ts';
import { parseWindow, type Window } from './domain/window.ts';
import { SchedulerError } from './errors.ts';
import { ConditionProblem, checkCondition } from './runtime/condition.ts';
import { nearestWord } from './runtime/nearest-word.ts';

/** A mapping that refuses unknown keys and says which one was probably meant. */
function settings<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined;
      const [key = ''] = issue.keys;
      const near = nearestWord(key, Object.keys(shape));
      return `is not a setting${near === null ? `; there are ${Object.keys(shape).join(', ')}` : `; did you mean "${near}"?`}`;
    },
  });
}

/** What a key does, and in words what stands for it when it is absent. */
const says = (description: string, otherwise: string) => ({ description, otherwise });

const DURATION_WANTED = 'must be a duration such as 15s, 10m, 1h or 0.1s (a plain number is seconds)';
const duration = z
  .union([z.string(), z.number()], { error: DURATION_WANTED })
  .transform((value, context) => {
    const ms = parseDuration(value);
    if (ms !== null) return ms;
    context.addIssue({ code: 'custom', message: DURATION_WANTED });
    return z.NEVER;
  })
  .meta({ title: 'duration' });

const DAY_MS = 86_400_000;
const days = duration.refine((ms) => ms >= DAY_MS, 'must be at least 1d').meta({ title: 'duration' });

const SIZE_WANTED = 'must be a size such as 500MB or 2GB (a plain number is bytes)';
const UNITS: Readonly<Record<string, number>> = { '': 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };
const size = z
  .union([z.string(), z.number()], { error: SIZE_WANTED })
  .transform((value, context) => {
    const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([KMGT]B)?$/i.exec(String(value).trim()) ?? [];
    if (number !== undefined) return Number(number) * (UNITS[unit.toUpperCase()] as number);
    context.addIssue({ code: 'custom', message: SIZE_WANTED });
    return z.NEVER;
  })
  .meta({ title: 'size' });

const zone = z.string().refine(isZone, 'is no time zone; write one such as Europe/Berlin').meta({ title: 'time zone' });
const count = z.number().int().min(1);
const fraction = z.number().meta({ title: 'number, 0 to 1' });
const port = z.number().int().min(1).max(65_535).meta({ title: 'port' });
const rolling = z
  .union([z.literal('off'), z.literal(false), count], { error: 'must be a number of posts, or off' })
  .transform((value) => (typeof value === 'number' ? value : null))
  .meta({ title: 'number, or `off`' });

/** Domain functions that read a setting throw BAD_CONFIG themselves; here it becomes an issue with a place. */
function readBy<In, Out>(read: (value: In) => Out) {
  return (value: In, context: z.RefinementCtx): Out => {
    try {
      return read(value);
    } catch (error) {
      if (!(error instanceof SchedulerError)) throw error;
      context.addIssue({ code: 'custom', message: `is wrong: ${String(error.details.what)}` });
      return z.NEVER;
    }
  };
}

const window = z.string().transform(readBy<string, Window>(parseWindow)).meta({ title: 'windows' });
const CONDITION_WANTED = 'must be one expression in quotes, such as "{{ error != None }}"';
const condition = z
  .custom<string>((value) => typeof value === 'string', CONDITION_WANTED)
  .superRefine((text, context) => {
    if (typeof text !== 'string') return;
    try {
      checkCondition(text);
    } catch (error) {
      if (!(error instanceof ConditionProblem)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
    }
  })
  .meta({ title: 'condition' });

/** Read by `domain/retry.ts`, whose defaults these are; the mapping leaves out what it does not change. */
const pause = z.union([z.string(), z.number()]).meta({ title: 'duration' });
const retryFields = settings({
  max_attempts: count.optional().meta(says('a job runs exactly so many times', String(DEFAULT_RETRY.maxAttempts))),
  initial_delay: pause.optional().meta(says('the first pause', formatDuration(DEFAULT_RETRY.initialDelayMs))),
  backoff_multiplier: z
    .number()
    .optional()
    .meta(says('each pause is so many times the one before', String(DEFAULT_RETRY.backoffMultiplier))),
  max_delay: pause.optional().meta(says('no pause is longer', formatDuration(DEFAULT_RETRY.maxDelayMs))),
  jitter: fraction.optional().meta(says('pauses are spread by so much, or 80 jobs come back in one second', String(DEFAULT_RETRY.jitter))),
  never: z.array(z.string()).optional().meta(says('failure types that are never tried again, such as `[port_busy]`', 'none')),
  retry_when: condition.optional().meta(says('only what it holds for is tried again, such as `"{{ error != None }}"`', 'no condition')),
  stop_when: condition.optional().meta(says('what it holds for has failed, such as `"{{ attempt >= 2 }}"`', 'no condition')),
});

const retry = z
  .union([z.boolean(), count, retryFields])
  .transform(
    readBy<RetryInput, RetryInput>((input) => {
      mergePolicies({ config: input });
      return input;
    }),
  )
  .meta({ title: '`true`, `false`, number of attempts, or a mapping' });

const publisher = z
  .union([z.literal('appium'), settings({ module: z.string().min(1), options: z.record(z.string(), z.unknown()).prefault({}) })], {
    error: 'must be appium, or {module: ./file.mjs, options: {…}}',
  })
  .meta({ title: '`appium`, or `{module: ./mine.mjs, options: {…}}`' });

const isAddress = (text: string) => {
  const number = Number(/^[^\s:]+:(\d{1,5})$/.exec(text)?.[1] ?? 0);
  return number >= 1 && number <= 65_535;
};
const address = z
  .union([z.string(), settings({ name: z.string().min(1), address: z.string() })])
  .transform((value) => (typeof value === 'string' ? { name: value, address: value } : value))
  .refine((value) => isAddress(value.address), 'must be host:port (a port is 1 to 65535), or {name: …, address: host:port}')
  .meta({ title: '`host:port`, or `{name: …, address: host:port}`' });

/** What an account may say for itself, and `defaults` for all that do not. */
const OF_AN_ACCOUNT = {
  app: z.string().min(1).describe('which flow posts for it: `flows/APP.yaml`'),
  posts_per_day: count.describe("at most so many a day, by the account's own date; posts under way or uncertain count"),
  rolling_24h: rolling.describe('at most so many in any 24 hours'),
  windows: z
    .array(window)
    .min(1)
    .describe('hours in which it may post, such as `["mon-fri 09:00-21:00"]`; one that crosses midnight belongs to the day it starts'),
  min_gap: duration.describe('least time between two of its posts'),
  jitter: duration.describe('up to so much is added to each gap, at random'),
};
const accountName = z
  .string()
  .transform((name) => name.replace(/^@/, ''))
  .refine(isAccountName, `is no account name: it ${ACCOUNT_NAME_RULE}`)
  .describe('as the app shows it, with or without @');
const account = z.preprocess(
  (value) => (typeof value === 'string' ? { name: value } : value),
  settings({
    name: accountName,
    app: OF_AN_ACCOUNT.app.optional(),
    posts_per_day: OF_AN_ACCOUNT.posts_per_day.optional(),
    rolling_24h: OF_AN_ACCOUNT.rolling_24h.optional(),
    windows: OF_AN_ACCOUNT.windows.optional(),
    min_gap: OF_AN_ACCOUNT.min_gap.optional(),
    jitter: OF_AN_ACCOUNT.jitter.optional(),
    device: z.string().min(1).optional().meta(says('its phone, by name or address', 'found [by rule](adding-a-device.md)')),
    timezone: zone.optional().meta(says('its days and windows are counted in it', 'that of the file')),
    retry: retry.optional().meta(says('its own retry policy; changes what it names', 'that of the file')),
    publisher: publisher.optional().meta(says('its own publisher', 'that of the file')),
  }),
);

export const FILE = settings({
  timezone: zone.optional().meta(says('days and windows are counted in it', 'that of the machine')),
  workers: count.optional().meta(says('how many post at the same time; `--workers`', 'one per phone, at most 3')),
  publisher: publisher.prefault('appium').describe('who makes a post: an app on a phone, or [a module of yours](adding-a-publisher.md)'),
  store: z.string().min(1).optional().meta(says('another database file; `--store`', '`scheduler_state.db` in the home')),
  defer_limit: duration.prefault('7d').describe('a job put off for longer, without one real attempt, calls a person'),
  accounts: z
    .array(account)
    .prefault([])
    .describe(
      'A list of names, or of mappings with a `name` and what differs: any key of `defaults` but its last two, and those below. What `--add-accounts` added need not be here',
    ),
  defaults: settings({
    app: OF_AN_ACCOUNT.app.prefault('instagram'),
    posts_per_day: OF_AN_ACCOUNT.posts_per_day.prefault(1),
    rolling_24h: OF_AN_ACCOUNT.rolling_24h.prefault('off'),
    windows: OF_AN_ACCOUNT.windows.prefault(['00:00-24:00']),
    min_gap: OF_AN_ACCOUNT.min_gap.prefault(0),
    jitter: OF_AN_ACCOUNT.jitter.prefault(0),
    delay_between_posts: duration.prefault('10s').describe('rest of one phone between two posts'),
    too_late: duration.prefault('24h').describe('a job so long past a `publish_at` of its own is skipped, never sent out after an outage'),
  })
    .prefault({})
    .describe('What holds for every account that does not say otherwise'),
  devices: settings({
    usb: z.boolean().prefault(true).describe('use the phones that adb finds on USB'),
    network: z.array(address).prefault([]).describe('phones reached over the network'),
    simulated: z.array(address).prefault([]).describe('pretend phones, started by `scheduler-phone`'),
    geelark: settings({ token: z.string().min(1) })
      .optional()
      .meta({
        title: '`{token: env:NAME_OF_A_VARIABLE}`',
        ...says('cloud phones: read and checked, but **not built yet**', 'none'),
      }),
  })
    .prefault({})
    .describe('Where the phones are; see [adding a device](adding-a-device.md)'),
  adb: settings({
    port: port.optional().meta(says('port of the adb server', "adb's own")),
    path: z.string().min(1).optional().meta(says('which adb', 'found by ANDROID_HOME or PATH')),
  })
    .prefault({})
    .describe('The program that talks to the phones'),
  appium: settings({
    url: z.url().optional().meta(says('an Appium server of your own; it is watched, never restarted', 'one is started')),
    base_port: port.prefault(4723).describe('its port; when a foreign program has it, the next free one is used'),
    health_timeout: duration.prefault('5s').describe('limit of one health check'),
    failures_before_restart: count.prefault(3).describe('so many failed checks in a row, and it is restarted'),
    retry_every: duration.prefault('10s').describe('pause between checks while it is ill'),
    restart_pause: duration.prefault('60s').describe('least time between two restarts'),
  })
    .prefault({})
    .describe('The server that works the apps. It is started, watched and restarted by the scheduler'),
  retry: retry
    .optional()
    .describe(
      '`true` is what stands below, `false` one attempt, a number so many attempts, a mapping changes what it names; see [what follows a failure](retries.md)',
    ),
  apps: z
    .record(z.string(), settings({ retry: retry.optional() }))
    .prefault({})
    .meta({ title: 'mapping', description: 'what holds for one app alone: `{instagram: {retry: 5}}`' }),
  passes: settings({
    max_passes: count.prefault(3).describe('the queue is swept so often at most; `--max-passes`'),
    delay: duration.prefault('30s').describe('pause between two sweeps; `--retry-delay`'),
    infra_retry_limit: z.number().int().min(0).prefault(3).describe("retries of one job after a machine's trouble; `--infra-retry-limit`"),
    unknown_is_retryable: z
      .boolean()
      .prefault(true)
      .describe('whether a failure of unknown kind is tried again; `--no-retry-unknown` says no'),
  })
    .prefault({})
    .describe('The sweeps of a drain (`--run --drain`); the two limits hold for every run'),
  cooldown: settings({
    after: count.prefault(3).describe('so many failures of machines in a row, and the account rests'),
    step: duration.prefault('10m').describe('it rests step × failures'),
    max: duration.prefault('1h').describe('at most so long'),
  })
    .prefault({})
    .describe('The rest of an account on which machines fail'),
  verify: settings({
    settle: duration.prefault('20s').describe('so long an app may settle before a look counts'),
    second_look: duration.prefault('20s').describe('then it is looked at again'),
    gaps: z.array(duration).min(1).prefault(['1m', '5m', '15m', '1h', '3h']).describe('pauses between further looks'),
    give_up: duration.prefault('12h').describe('after this a person settles it'),
  })
    .prefault({})
    .describe('The looks at a post nobody is sure about; see [never twice](never-twice.md)'),
  phases: settings({
    prepare: limitOf('prepare', 'phone and Appium are made ready'),
    push: limitOf('push', 'the video goes to the phone and is hashed there'),
    open: limitOf('open', 'the app comes to the front'),
    identify: limitOf('identify', 'the signed-in account is read, and switched if need be'),
    compose: limitOf('compose', 'the video is picked, the caption written'),
    commit: limitOf('commit', 'the last checks before the one tap, and the tap'),
    confirm: limitOf('confirm', 'proof that it is public is awaited'),
    cleanup: limitOf('cleanup', 'the video is taken off the phone'),
  } satisfies Record<Phase, unknown>)
    .prefault({})
    .describe('How long each part of one try may take'),
  retention: settings({
    events: duration.prefault('90d').describe('what happened longer ago is forgotten; what a person or a look settled is kept'),
    logs: days.prefault('14d').describe('each log is kept for so long, at least one day'),
    log_files: count.prefault(14).describe('and in at most so many files: one a day, or one for each 100 MB'),
    evidence: duration
      .prefault('30d')
      .describe('what attempts left for people is kept for so long; what a person still has to look at stays'),
    evidence_size: size.prefault('2GB').describe('and up to so much in all, the oldest going first'),
  })
    .prefault({})
    .describe('How long, and how much of, the past is kept'),
});

function limitOf(phase: Phase, description: string) {
  return duration.prefault(DEFAULT_PHASE_LIMITS_MS[phase] / 1_000).describe(description);
}

/** What the file says, every default filled in. */
export type Written = z.output<typeof FILE>;
export type WrongFile = z.ZodError;
export type Wrong = z.core.$ZodIssue;

/** The keys and what they mean, as JSON Schema with `otherwise` beside `default`. */
export function fileAsJsonSchema(): unknown {
  return z.toJSONSchema(FILE, { io: 'input', unrepresentable: 'any' });
}
