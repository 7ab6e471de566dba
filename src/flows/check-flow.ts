/**
 * The rules between the parts of a flow, checked when it is loaded: whoever
 * breaks one could post twice, post the wrong thing or blame the wrong account.
 * Pure; the places come from the caller.
 */
import type { YamlPath } from '../runtime/yaml-text.ts';
import type { Flow, FlowSelector, FlowStep } from './flow.ts';
import type { Complain } from './flow-fields.ts';

/** @throws SchedulerError BAD_FLOW, through `complain` */
export function checkFlow(flow: Flow, complain: Complain): void {
  checkElements(flow, complain);
  for (const [path, name] of elementUses(flow)) {
    if (!Object.hasOwn(flow.elements, name)) complain(path, `there is no element "${name}" under "elements"`);
  }
  const screens = new Set(flow.screens.map(({ name }) => name));
  for (const [path, name] of screenUses(flow)) {
    if (!screens.has(name)) complain(path, `there is no screen "${name}" under "screens"`);
  }
  checkSteps(flow, complain);
  checkSwitch(flow, complain);
  checkPopups(flow, complain);
  checkOutcomes(flow, complain);
}

function checkElements(flow: Flow, complain: Complain): void {
  for (const [name, selectors] of Object.entries(flow.elements)) {
    if (selectors.length === 0) complain(['elements', name], `element "${name}" needs a selector`);
    const empty = selectors.findIndex((selector) => Object.keys(selector).length === 0);
    if (empty >= 0) complain(['elements', name, empty], `a selector of "${name}" needs at least one of: id, desc, text`);
  }
  for (const { name, has } of flow.screens) {
    if (has.length === 0) complain(['screens', name], `screen "${name}" needs "has": without it everything would be this screen`);
  }
}

function checkSteps(flow: Flow, complain: Complain): void {
  const commits = flow.steps.filter(({ commit }) => commit).length;
  if (commits !== 1) complain(['steps'], `exactly one step must have \`commit: true\`, here ${commits} have`);
  const last = flow.steps.at(-1);
  if (last?.commit !== true) complain(['steps'], 'the step with `commit: true` must be the last: after it there is nothing but waiting');
  if (last?.action.do !== 'tap') complain(['steps', flow.steps.length - 1], 'the step with `commit: true` must be a tap');
  for (const [at, step] of flow.identify.open.entries()) {
    if (step.commit || step.action.do === 'type' || step.action.do === 'pick_video') {
      complain(['identify', 'open', at], 'on the way to the profile there are only taps and back');
    }
  }
  for (const kind of ['type', 'pick_video'] as const) {
    const count = flow.steps.filter(({ action }) => action.do === kind).length;
    if (count !== 1) complain(['steps'], `exactly one step must do ${kind === 'type' ? 'type_caption' : kind}, here ${count} do`);
  }
  for (const [at, step] of flow.steps.entries()) {
    if (step.optional && (step.commit || step.action.do === 'type' || step.action.do === 'pick_video')) {
      complain(['steps', at, 'optional'], 'only taps and back may be optional');
    }
    if (step.action.do === 'pick_video') requirePlaceholder(flow, step.action.element, '{video}', ['steps', at, 'pick_video'], complain);
    if (!step.commit && step.action.do === 'tap' && sharesSelector(flow, step.action.element, commitElement(flow))) {
      complain(['steps', at, 'tap'], `"${step.action.element}" may be the button that posts; it belongs to the commit step alone`);
    }
  }
}

/** "The first" in a list is somebody else's sooner or later: what is chosen is named. */
function requirePlaceholder(flow: Flow, element: string, placeholder: string, path: YamlPath, complain: Complain): void {
  const named = (selector: FlowSelector) => `${selector.text ?? ''}${selector.desc ?? ''}`.includes(placeholder);
  if (!flow.elements[element]?.every(named)) complain(path, `every selector of "${element}" must have ${placeholder} in its text or desc`);
}

function checkSwitch(flow: Flow, complain: Complain): void {
  const way = flow.identify.switch;
  if (way !== null) requirePlaceholder(flow, way.entry, '{account}', ['identify', 'switch', 'entry'], complain);
}

/** No tap that happens on its own may ever be the one that posts. */
function checkPopups(flow: Flow, complain: Complain): void {
  const commit = commitElement(flow);
  const taps: (readonly [YamlPath, string])[] = [
    ...flow.popups.map(({ dismiss }, at) => [['popups', at, 'dismiss'], dismiss] as const),
    ...stepTaps(flow.identify.open, ['identify', 'open']),
    ...flow.outcomes.flatMap(({ leave }, at) => (leave === null ? [] : [[['outcomes', at, 'leave'], leave] as const])),
  ];
  const way = flow.identify.switch;
  if (flow.verify !== null) taps.push([['verify', 'via', 'tap'], flow.verify.via.tap]);
  if (way !== null) taps.push([['identify', 'switch', 'tap'], way.tap], [['identify', 'switch', 'entry'], way.entry]);
  for (const [path, element] of taps) {
    if (sharesSelector(flow, element, commit))
      complain(path, `"${element}" may be the button that posts; nothing but the commit step may tap it`);
  }
  for (const [at, { screen }] of flow.popups.entries()) requireId(flow, screen, ['popups', at, 'screen'], complain);
}

function checkOutcomes(flow: Flow, complain: Complain): void {
  if (!flow.outcomes.some(({ means }) => means === 'published'))
    complain(['outcomes'], 'an outcome that means published is missing: nothing could ever be confirmed');
  for (const [at, outcome] of flow.outcomes.entries()) {
    requireId(flow, outcome.screen, ['outcomes', at, 'screen'], complain);
    if (outcome.means === 'account' && outcome.type === null)
      complain(['outcomes', at], 'an outcome that means account needs a "type", such as captcha');
    if (outcome.means !== 'published' && outcome.caption !== null)
      complain(['outcomes', at, 'caption'], '"caption" belongs to outcomes that mean published');
    if (outcome.leave !== null && (outcome.means !== 'account' || outcome.account === null)) {
      complain(['outcomes', at, 'leave'], '"leave" needs `means: account` and "account": it is for trouble of somebody else');
    }
  }
}

/** A screen known by texts alone could be our own caption, or somebody else's. */
function requireId(flow: Flow, screenName: string, path: YamlPath, complain: Complain): void {
  const screen = flow.screens.find(({ name }) => name === screenName);
  const byId = (element: string) => flow.elements[element]?.every(({ id }) => id !== undefined) ?? false;
  if (!screen?.has.some(byId))
    complain(path, `screen "${screenName}" must have an element that is known by its id: a text alone could stand in a caption`);
}

function commitElement(flow: Flow): string {
  const action = flow.steps.find(({ commit }) => commit)?.action;
  return action?.do === 'tap' ? action.element : '';
}

/** True when both may name one button: they agree on every condition that both have, or carry the same label. The engine asks the screen itself once more before each tap. */
function sharesSelector(flow: Flow, one: string, other: string): boolean {
  const [first, second] = [flow.elements[one] ?? [], flow.elements[other] ?? []];
  const labels = new Set(second.flatMap(labelsOf));
  return first.some((a) => labelsOf(a).some((label) => labels.has(label)) || second.some((b) => agree(a, b)));
}

function agree(a: FlowSelector, b: FlowSelector): boolean {
  const common = (['id', 'desc', 'text'] as const).filter((key) => a[key] !== undefined && b[key] !== undefined);
  return common.length > 0 && common.every((key) => a[key] === b[key]);
}

/** A button's text is its content-desc as well, as often as not. */
function labelsOf({ desc, text }: FlowSelector): readonly string[] {
  return [desc, text].flatMap((label) => (label === undefined ? [] : [label.trim().toLowerCase()]));
}

function stepTaps(steps: readonly FlowStep[], path: YamlPath): readonly (readonly [YamlPath, string])[] {
  return steps.flatMap(({ action }, at) => (action.do === 'back' ? [] : [[[...path, at, action.do], action.element] as const]));
}

function elementUses(flow: Flow): readonly (readonly [YamlPath, string])[] {
  const way = flow.identify.switch;
  return [
    ...flow.screens.flatMap(({ name, has, not }) => [
      ...has.map((element, at) => [['screens', name, 'has', at], element] as const),
      ...not.map((element, at) => [['screens', name, 'not', at], element] as const),
    ]),
    ...flow.popups.map(({ dismiss }, at) => [['popups', at, 'dismiss'], dismiss] as const),
    [['identify', 'handle'], flow.identify.handle],
    ...(way === null ? [] : [[['identify', 'switch', 'tap'], way.tap] as const, [['identify', 'switch', 'entry'], way.entry] as const]),
    ...stepTaps(flow.identify.open, ['identify', 'open']),
    ...stepTaps(flow.steps, ['steps']),
    ...named(['check'], flow.check),
    ...flow.outcomes.flatMap(({ says, account, caption, leave }, at) => named(['outcomes', at], { says, account, caption, leave })),
    ...(flow.verify === null ? [] : namesInVerify(flow.verify)),
  ];
}

function namesInVerify({ via, captions, times, count }: NonNullable<Flow['verify']>): readonly (readonly [YamlPath, string])[] {
  return [...named(['verify'], { captions, times, count }), [['verify', 'via', 'tap'], via.tap]];
}

function named(path: YamlPath, values: Readonly<Record<string, string | null>>): readonly (readonly [YamlPath, string])[] {
  return Object.entries(values).flatMap(([key, name]) => (name === null ? [] : [[[...path, key], name] as const]));
}

function screenUses(flow: Flow): readonly (readonly [YamlPath, string])[] {
  const way = flow.identify.switch;
  return [
    ...flow.popups.map(({ screen }, at) => [['popups', at, 'screen'], screen] as const),
    [['identify', 'screen'], flow.identify.screen],
    ...(way === null ? [] : [[['identify', 'switch', 'screen'], way.screen] as const]),
    ...(flow.verify === null ? [] : [[['verify', 'via', 'screen'], flow.verify.via.screen] as const]),
    ...flow.identify.open.map(({ screen }, at) => [['identify', 'open', at, 'screen'], screen] as const),
    ...flow.steps.map(({ screen }, at) => [['steps', at, 'screen'], screen] as const),
    ...flow.outcomes.map(({ screen }, at) => [['outcomes', at, 'screen'], screen] as const),
  ];
}
