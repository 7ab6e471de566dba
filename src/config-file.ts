/**
 * `scheduler.yaml` as people write it: which keys there are, what they may be,
 * what stands for one that is absent, and what to say about one that is wrong.
 * The one home of `zod`. What the settings mean together is `config.ts`.
 */
import { z } from 'zod';
import { parseDuration } from './domain/duration.ts';
import { PHASES } from './domain/failure.ts';
import { isZone } from './domain/local-time.ts';
import { mergePolicies, type RetryInput } from './domain/retry.ts';
import { parseWindow, type Window } from './domain/window.ts';
import { SchedulerError } from './errors.ts';
import { ConditionProblem, checkCondition } from './runtime/condition.ts';
import { parseYaml, YamlProblem, type YamlText } from './runtime/yaml-text.ts';

/** A mapping that refuses unknown keys and says which one was probably meant. */
function settings<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined;
      const [key = ''] = issue.keys;
      const near = nearest(key, Object.keys(shape));
      return `is not a setting${near === null ? `; there are ${Object.keys(shape).join(', ')}` : `; did you mean "${near}"?`}`;
    },
  });
}

const DURATION_WANTED = 'must be a duration such as 15s, 10m, 1h or 0.1s (a plain number is seconds)';
const duration = z.union([z.string(), z.number()], { error: DURATION_WANTED }).transform((value, context) => {
  const ms = parseDuration(value);
  if (ms !== null) return ms;
  context.addIssue({ code: 'custom', message: DURATION_WANTED });
  return z.NEVER;
});

const zone = z.string().refine(isZone, 'is no time zone; write one such as Europe/Berlin');
const count = z.number().int().min(1);
const rolling = z
  .union([z.literal('off'), z.literal(false), count], { error: 'must be a number of posts, or off' })
  .transform((value) => (typeof value === 'number' ? value : null));

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

const window = z.string().transform(readBy<string, Window>(parseWindow));
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
  });
const retry = z
  .union([
    z.boolean(),
    count,
    settings({
      max_attempts: count.optional(),
      initial_delay: z.union([z.string(), z.number()]).optional(),
      backoff_multiplier: z.number().optional(),
      max_delay: z.union([z.string(), z.number()]).optional(),
      jitter: z.number().optional(),
      never: z.array(z.string()).optional(),
      retry_when: condition.optional(),
      stop_when: condition.optional(),
    }),
  ])
  .transform(
    readBy<RetryInput, RetryInput>((input) => {
      mergePolicies({ config: input });
      return input;
    }),
  );

const publisher = z.union(
  [z.literal('appium'), settings({ module: z.string().min(1), options: z.record(z.string(), z.unknown()).default({}) })],
  {
    error: 'must be appium, or {module: ./file.mjs, options: {…}}',
  },
);

const ADDRESS = /^[^\s:]+:\d{1,5}$/;
const address = z
  .union([z.string(), settings({ name: z.string().min(1), address: z.string() })])
  .transform((value) => (typeof value === 'string' ? { name: value, address: value } : value))
  .refine((value) => ADDRESS.test(value.address), 'must be host:port, or {name: …, address: host:port}');

const ACCOUNT_FIELDS = {
  app: z.string().min(1).optional(),
  device: z.string().min(1).optional(),
  timezone: zone.optional(),
  posts_per_day: count.optional(),
  rolling_24h: rolling.optional(),
  windows: z.array(window).min(1).optional(),
  min_gap: duration.optional(),
  jitter: duration.optional(),
  retry: retry.optional(),
  publisher: publisher.optional(),
};
const ACCOUNT_NAME = /^[^\s,/\\:]+$/;
const accountName = z
  .string()
  .transform((name) => name.replace(/^@/, ''))
  .refine((name) => ACCOUNT_NAME.test(name), 'is no account name');
const account = z.preprocess(
  (value) => (typeof value === 'string' ? { name: value } : value),
  settings({ name: accountName, ...ACCOUNT_FIELDS }),
);

const FILE = settings({
  timezone: zone.optional(),
  accounts: z.array(account).default([]),
  defaults: settings({
    app: z.string().min(1).default('instagram'),
    posts_per_day: count.default(1),
    rolling_24h: rolling.default(null),
    windows: z
      .array(window)
      .min(1)
      .default(() => [parseWindow('00:00-24:00')]),
    min_gap: duration.default(0),
    jitter: duration.default(0),
    delay_between_posts: duration.default(10_000),
    too_late: duration.default(86_400_000),
  }).prefault({}),
  apps: z.record(z.string(), settings({ retry: retry.optional() })).default({}),
  workers: count.optional(),
  retry: retry.optional(),
  passes: settings({
    max_passes: count.default(3),
    delay: duration.default(30_000),
    infra_retry_limit: z.number().int().min(0).default(3),
    unknown_is_retryable: z.boolean().default(true),
  }).prefault({}),
  cooldown: settings({ after: count.default(3), step: duration.default(600_000), max: duration.default(3_600_000) }).prefault({}),
  appium: settings({
    url: z.url().optional(),
    base_port: z.number().int().min(1).max(65_535).default(4723),
    health_timeout: duration.default(5_000),
    failures_before_restart: count.default(3),
    retry_every: duration.default(10_000),
    restart_pause: duration.default(60_000),
  }).prefault({}),
  devices: settings({
    usb: z.boolean().default(true),
    network: z.array(address).default([]),
    simulated: z.array(address).default([]),
    geelark: settings({ token: z.string().min(1) }).optional(),
  }).prefault({}),
  adb: settings({ port: z.number().int().min(1).max(65_535).optional(), path: z.string().min(1).optional() }).prefault({}),
  publisher: publisher.default('appium'),
  verify: settings({
    settle: duration.default(20_000),
    second_look: duration.default(20_000),
    gaps: z.array(duration).min(1).default([60_000, 300_000, 900_000, 3_600_000, 10_800_000]),
    give_up: duration.default(43_200_000),
  }).prefault({}),
  phases: settings(Object.fromEntries(PHASES.map((phase) => [phase, duration.optional()]))).prefault({}),
  defer_limit: duration.default(604_800_000),
  retention: settings({ events: duration.default(7_776_000_000) }).prefault({}),
  store: z.string().min(1).optional(),
});

/** What the file says, every default filled in. */
export type Written = z.output<typeof FILE>;

/** @throws SchedulerError BAD_CONFIG for the first thing that is wrong, with its place */
export function readConfigFile(text: string, fileName: string): { readonly written: Written; readonly yaml: YamlText } {
  const yaml = readYaml(text, fileName);
  const parsed = FILE.safeParse(yaml.value ?? {});
  if (!parsed.success) throw explain(parsed.error, yaml);
  return { written: parsed.data, yaml };
}

function readYaml(text: string, fileName: string): YamlText {
  try {
    return parseYaml(text, fileName);
  } catch (error) {
    if (error instanceof YamlProblem) throw badConfig(error.where, `this is not valid YAML: ${error.what}`);
    throw error;
  }
}

/** The first thing that is wrong, with its place; values are not shown, for one may be a secret. */
function explain(error: z.ZodError, yaml: YamlText): SchedulerError {
  const issue = deepest(misspelt(error.issues));
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path;
  const name =
    path.length === 0
      ? 'the file'
      : path.map((part, index) => (typeof part === 'number' ? `[${part + 1}]` : `${index === 0 ? '' : '.'}${String(part)}`)).join('');
  return badConfig(yaml.where(path), `${name} ${plain(issue)}`);
}

/** A key that is not known explains a key that is missing, so it is said first. */
function misspelt(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue {
  return (issues.find((issue) => issue.code === 'unrecognized_keys') ?? issues[0]) as z.core.$ZodIssue;
}

/** In a union, what is wrong with the form that came nearest: the one whose trouble lies deepest. */
function deepest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const inner = issue.errors.map(misspelt).filter((one) => one.path.length > 0 || one.code === 'unrecognized_keys');
  const [nearestForm] = inner;
  if (nearestForm === undefined) return issue;
  const found = deepest(nearestForm);
  return { ...found, path: [...issue.path, ...found.path] } as z.core.$ZodIssue;
}

const KINDS: Readonly<Record<string, string>> = {
  object: 'a mapping (key: value)',
  array: 'a list',
  int: 'a whole number',
  boolean: 'true or false',
  string: 'a text',
  number: 'a number',
};

function plain(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type')
    return issue.message.endsWith('received undefined') ? 'is missing' : `must be ${KINDS[issue.expected] ?? issue.expected}`;
  if (issue.code === 'too_small')
    return issue.origin === 'number' || issue.origin === 'int' ? `must be at least ${issue.minimum}` : 'must not be empty';
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}`;
  if (issue.code === 'invalid_union' && issue.message === 'Invalid input')
    return 'is not written in a form that is understood; docs/configuration.md shows it';
  if (issue.code === 'invalid_format') return 'must be a URL such as http://127.0.0.1:4723';
  return issue.message;
}

export function badConfig(where: string, what: string): SchedulerError {
  return new SchedulerError('BAD_CONFIG', { details: { where, what } });
}

/** The known word at the smallest edit distance, when that is small enough to be a slip. */
function nearest(word: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let least = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** Levenshtein's, row by row. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
