/**
 * Reads flows/APP.yaml into a Flow: the shape of the file is here, the rules
 * between its parts are in check-flow.ts, flow.schema.json describes both to
 * editors. A flow that loads can be run; a doubtful one is refused with its place.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FailureCategory } from '../domain/failure.ts';
import { SchedulerError } from '../errors.ts';
import { parseYaml, YamlProblem, type YamlText } from '../runtime/yaml-text.ts';
import { checkFlow } from './check-flow.ts';
import type { Flow, FlowAction, FlowOutcome, FlowScreen, FlowSelector, FlowStep } from './flow.ts';
import { complainer, Fields } from './flow-fields.ts';

const FAILURE_CATEGORIES: readonly FailureCategory[] = ['account', 'infrastructure', 'content', 'configuration', 'unknown'];
const MEANINGS: readonly FlowOutcome['means'][] = ['published', 'uploading', 'rejected', 'account'];

/**
 * Flows by app, each read once. The first folder that has APP.yaml wins, so that
 * a home's own flows go before those of the program.
 *
 * The returned function throws SchedulerError UNKNOWN_APP, BAD_FLOW.
 */
export function flowsIn(folders: readonly string[]): (app: string) => Flow {
  const known = new Map<string, Flow>();
  return (app) => {
    const flow = known.get(app) ?? loadFlow(app, folders);
    known.set(app, flow);
    return flow;
  };
}

/** What is wrong with a flow, as one message; null when it loads. */
export function troubleOf(load: () => Flow): string | null {
  try {
    load();
    return null;
  } catch (error) {
    if (error instanceof SchedulerError) return error.message;
    throw error;
  }
}

/** @throws SchedulerError UNKNOWN_APP, BAD_FLOW */
export function loadFlow(app: string, folders: readonly string[]): Flow {
  // The name becomes a file name; it must not lead out of the folder.
  if (!/^[a-z0-9][a-z0-9_-]*$/i.test(app)) throw new SchedulerError('UNKNOWN_APP', { details: { app } });
  for (const folder of folders) {
    const file = join(folder, `${app}.yaml`);
    const text = textOf(file);
    if (text === null) continue;
    const flow = parseFlow(text, file);
    if (flow.app !== app)
      throw new SchedulerError('BAD_FLOW', { details: { where: file, what: `"app" must be ${app}, the file's name, not ${flow.app}` } });
    return flow;
  }
  throw new SchedulerError('UNKNOWN_APP', { details: { app } });
}

/** @param fileName for messages only. @throws SchedulerError BAD_FLOW with `file:line:column` */
export function parseFlow(text: string, fileName: string): Flow {
  const yaml = parsed(text, fileName);
  const complain = complainer(yaml);
  const fields = new Fields(yaml.value, [], complain);
  const flow = readFlow(fields);
  fields.done();
  checkFlow(flow, complain);
  return flow;
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new SchedulerError('BAD_FLOW', { cause: error, details: { where: file, what: `cannot be read (${(error as Error).message})` } });
  }
}

function parsed(text: string, fileName: string): YamlText {
  try {
    return parseYaml(text, fileName);
  } catch (error) {
    if (!(error instanceof YamlProblem)) throw error;
    throw new SchedulerError('BAD_FLOW', { cause: error, details: { where: error.where, what: error.what } });
  }
}

function readFlow(fields: Fields): Flow {
  return {
    app: fields.text('app'),
    package: fields.text('package'),
    testedWith: fields.texts('tested_with'),
    elements: fields.mapping('elements', readElements),
    screens: fields.mapping('screens', readScreens),
    popups: fields.items('popups', (item) => ({ name: item.text('name'), screen: item.text('screen'), dismiss: item.text('dismiss') })),
    identify: fields.mapping('identify', readIdentify),
    steps: fields.items('steps', readStep),
    check: fields.mapping('check', (check) => ({
      account: check.textOrNull('account'),
      video: check.textOrNull('video'),
      caption: check.text('caption'),
    })),
    outcomes: fields.items('outcomes', readOutcome),
    verify: fields.has('verify') ? fields.mapping('verify', readVerify) : nothing(fields, 'verify'),
    confirm: fields.mapping('confirm', (confirm) => ({ limitMs: confirm.duration('limit'), quietMs: confirm.duration('quiet') })),
  };
}

function readElements(fields: Fields): Flow['elements'] {
  const names = fields.entries().map(([name]) => name);
  return Object.fromEntries(names.map((name) => [name, fields.items(name, readSelector)]));
}

function readSelector(fields: Fields): FlowSelector {
  const [id, desc, text] = [fields.textOrNull('id'), fields.textOrNull('desc'), fields.textOrNull('text')];
  return { ...(id === null ? {} : { id }), ...(desc === null ? {} : { desc }), ...(text === null ? {} : { text }) };
}

function readScreens(fields: Fields): readonly FlowScreen[] {
  return fields.entries().map(([name]) => fields.mapping(name, (screen) => ({ name, has: screen.texts('has'), not: screen.texts('not') })));
}

function readIdentify(fields: Fields): Flow['identify'] {
  return {
    screen: fields.text('screen'),
    handle: fields.text('handle'),
    open: fields.items('open', readStep),
    switch: fields.has('switch')
      ? fields.mapping('switch', (way) => ({ tap: way.text('tap'), screen: way.text('screen'), entry: way.text('entry') }))
      : nothing(fields, 'switch'),
    limitMs: fields.duration('limit'),
  };
}

function readStep(fields: Fields): FlowStep {
  const screen = fields.text('screen');
  return {
    screen,
    name: fields.textOrNull('name') ?? screen,
    action: readAction(fields),
    commit: fields.flag('commit'),
    optional: fields.flag('optional'),
    limitMs: fields.duration('limit'),
  };
}

function readAction(fields: Fields): FlowAction {
  const [tap, type, pick, back] = [
    fields.textOrNull('tap'),
    fields.textOrNull('type_caption'),
    fields.textOrNull('pick_video'),
    fields.flag('back'),
  ];
  const actions: FlowAction[] = [];
  if (tap !== null) actions.push({ do: 'tap', element: tap });
  if (type !== null) actions.push({ do: 'type', element: type, value: 'caption' });
  if (pick !== null) actions.push({ do: 'pick_video', element: pick });
  if (back) actions.push({ do: 'back' });
  const [action] = actions;
  if (action === undefined || actions.length > 1)
    return fields.fail('screen', 'a step does exactly one of: tap, type_caption, pick_video, back');
  return action;
}

function readOutcome(fields: Fields): FlowOutcome {
  const means = fields.text('means') as FlowOutcome['means'];
  if (!MEANINGS.includes(means)) fields.fail('means', `"means" must be one of: ${MEANINGS.join(', ')}`);
  const category = fields.textOrNull('category');
  if (category !== null && !FAILURE_CATEGORIES.includes(category as FailureCategory)) {
    fields.fail('category', `"category" must be one of: ${FAILURE_CATEGORIES.join(', ')}`);
  }
  return {
    screen: fields.text('screen'),
    means,
    category: category as FailureCategory | null,
    type: fields.textOrNull('type'),
    says: fields.textOrNull('says'),
    account: fields.textOrNull('account'),
    caption: fields.textOrNull('caption'),
    leave: fields.textOrNull('leave'),
  };
}

function readVerify(fields: Fields): Flow['verify'] {
  const via = fields.mapping('via', (way) => ({ tap: way.text('tap'), screen: way.text('screen') }));
  return { via, captions: fields.text('captions'), times: fields.text('times'), count: fields.text('count') };
}

/** Marks an optional mapping as known. */
function nothing(fields: Fields, key: string): null {
  fields.textOrNull(key);
  return null;
}
