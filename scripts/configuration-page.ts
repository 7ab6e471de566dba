/**
 * docs/configuration.md out of the schema of scheduler.yaml: a whole example,
 * then a table for each group of settings. Pure; `write-configuration-doc.ts`
 * writes it and test/docs compares.
 */

/** What this page reads of a JSON Schema. */
interface Described {
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  /** In words, what stands when the key is absent and there is no plain default. */
  readonly otherwise?: string;
  readonly type?: string | readonly string[];
  readonly minimum?: number;
  readonly properties?: Readonly<Record<string, Described>>;
  readonly items?: Described;
  readonly anyOf?: readonly Described[];
}

const HEAD = `# Configuration

\`scheduler.yaml\` in the home folder. Every key is optional, and the program never writes the file. A value comes from the command line, else from
the file, else from the defaults below; \`scheduler --show-config\` shows what is in force and where it comes from. An unknown key is refused with a
suggestion, a wrong value with line and column. After a change: \`scheduler --reload\`; what needs a new start is named.

A duration is \`15s\`, \`10m\`, \`1h\`, \`7d\`, or a plain number of seconds; decimals are allowed (\`0.1s\`). A window is \`"mon-fri 09:00-21:00"\`, or hours
alone for every day.

## A whole file
`;

const TAIL = `## Where things are

The home is \`--home DIR\`, else \`SCHEDULER_HOME\`, else the working folder. Another file than its \`scheduler.yaml\`: \`--config FILE\`. What else lies in the
home: [operations.md](operations.md#the-home-folder).

This page is written by \`node scripts/write-configuration-doc.ts\` from \`src/config-schema.ts\`.
`;

/** @param schema what `fileAsJsonSchema()` answers @param example the whole file that is shown */
export function configurationPage(schema: unknown, example: string): string {
  const keys = Object.entries((schema as Described).properties ?? {});
  const plain = keys.filter(([, key]) => Object.keys(membersOf(key)).length === 0);
  const groups = keys.filter(([, key]) => Object.keys(membersOf(key)).length > 0);
  const shared = new Set(Object.values(membersOf(Object.fromEntries(keys).defaults ?? {})).map(({ description }) => description));
  const sections = groups.map(([name, group]) => {
    const members = Object.entries(membersOf(group)).filter(([, { description }]) => name === 'defaults' || !shared.has(description));
    return [`## ${name}`, `${group.description}.`, table(members)].join('\n\n');
  });
  return [HEAD + box(example), `## On the first level\n\n${table(plain)}`, ...sections, TAIL].join('\n\n');
}

/** The settings inside a mapping, a list of mappings, or the long form of a setting that has a short one. */
function membersOf(key: Described): Readonly<Record<string, Described>> {
  const forms = [key, ...(key.items === undefined ? [] : [key.items]), ...(key.anyOf ?? [])];
  const described = forms.find(({ properties = {} }) => Object.values(properties).some(({ description }) => description !== undefined));
  return described?.properties ?? {};
}

function box(example: string): string {
  return `\n\`\`\`yaml\n${example}\`\`\``;
}

function table(settings: readonly (readonly [string, Described])[]): string {
  const rows = settings.map(([name, setting]) => `| \`${name}\` | ${kindOf(setting)} | ${defaultOf(setting)} | ${setting.description} |`);
  return ['| key | value | default | what it does |', '|---|---|---|---|', ...rows].join('\n');
}

function kindOf({ title, type, minimum, items }: Described): string {
  if (title !== undefined) return title;
  if (type === 'array') return `list of ${items?.title ?? 'text'}`;
  if (type === 'boolean') return '`true` or `false`';
  if (type === 'integer') return `number, at least ${minimum}`;
  return type === 'string' ? 'text' : 'number';
}

function defaultOf({ title, default: value, otherwise }: Described): string {
  if (value === undefined) return otherwise ?? 'must be given';
  if (title === 'duration' && typeof value === 'number') return seconds(value);
  if (typeof value !== 'object' || value === null) return `\`${value}\``;
  return Object.keys(value).length === 0 ? 'none' : `\`${inOneLine(value)}\``;
}

/** In a form that may be written into the file. */
function seconds(value: number): string {
  if (value === 0) return 'none';
  return value % 60 === 0 ? `\`${value / 60}m\`` : `\`${value}s\``;
}

/** As YAML writes a list of words. */
function inOneLine(value: object): string {
  return JSON.stringify(value)
    .replaceAll(',', ', ')
    .replace(/"([a-z0-9]+)"/g, '$1');
}
