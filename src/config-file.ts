/**
 * Reads `scheduler.yaml`, and says what is wrong with it: the first thing, with
 * its place, in words. Which keys there are is `config-schema.ts`; what the
 * settings mean together is `config.ts`.
 */
import { FILE, type Written, type Wrong, type WrongFile } from './config-schema.ts';
import { SchedulerError } from './errors.ts';
import { parseYaml, YamlProblem, type YamlText } from './runtime/yaml-text.ts';

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
function explain(error: WrongFile, yaml: YamlText): SchedulerError {
  const issue = deepest(misspelt(error.issues));
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path;
  const name =
    path.length === 0
      ? 'the file'
      : path.map((part, index) => (typeof part === 'number' ? `[${part + 1}]` : `${index === 0 ? '' : '.'}${String(part)}`)).join('');
  return badConfig(yaml.where(path), `${name} ${plain(issue)}`);
}

/** A key that is not known explains a key that is missing, so it is said first. */
function misspelt(issues: readonly Wrong[]): Wrong {
  return (issues.find((issue) => issue.code === 'unrecognized_keys') ?? issues[0]) as Wrong;
}

/** In a union, what is wrong with the form that came nearest: the one whose trouble lies deepest. */
function deepest(issue: Wrong): Wrong {
  if (issue.code !== 'invalid_union') return issue;
  const inner = issue.errors.map(misspelt).filter((one) => one.path.length > 0 || one.code === 'unrecognized_keys');
  const [nearestForm] = inner;
  if (nearestForm === undefined) return issue;
  const found = deepest(nearestForm);
  return { ...found, path: [...issue.path, ...found.path] } as Wrong;
}

const KINDS: Readonly<Record<string, string>> = {
  object: 'a mapping (key: value)',
  array: 'a list',
  int: 'a whole number',
  boolean: 'true or false',
  string: 'a text',
  number: 'a number',
};

function plain(issue: Wrong): string {
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
