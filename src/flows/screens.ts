/**
 * Recognises what one look shows: screens, popups, outcomes.
 *
 * By element ids and by exact texts of elements, never by a substring of the
 * whole screen: "there are no *action blocked* warnings" in somebody's caption
 * is not an action block. Pure: a look in, an answer out.
 */
import type { Selector } from '../appium/appium.ts';
import type { Flow, FlowOutcome, FlowPopup, FlowSelector } from './flow.ts';
import { matches, parseUiTree, toUiSelector, type UiNode } from './ui-tree.ts';

/** What `{account}` and `{video}` stand for in this attempt. */
export interface FlowValues {
  /** Without a leading `@`. */
  readonly account: string;
  /** The name of the pushed file; '' when there is none. */
  readonly video: string;
}

export interface Look {
  readonly source: string;
  readonly nodes: readonly UiNode[];
}

export interface Seen {
  readonly node: UiNode;
  /** Finds it on the phone. */
  readonly selector: Selector;
}

export function lookAt(source: string): Look {
  return { source, nodes: parseUiTree(source) };
}

/** The first match of the element's selectors, in their order; null when it is not on the screen. */
export function seen(flow: Flow, look: Look, element: string, values: FlowValues): Seen | null {
  for (const template of flow.elements[element] ?? []) {
    const selector = filled(template, values);
    const node = look.nodes.find((candidate) => matches(candidate, selector, flow.package));
    if (node !== undefined) return { node, selector: toUiSelector(selector, flow.package) };
  }
  return null;
}

/** The texts of all nodes of an element, by the first of its selectors that matches any. */
export function textsOf(flow: Flow, look: Look, element: string, values: FlowValues): readonly string[] {
  for (const template of flow.elements[element] ?? []) {
    const selector = filled(template, values);
    const nodes = look.nodes.filter((candidate) => matches(candidate, selector, flow.package));
    if (nodes.length > 0) return nodes.map((node) => node.text);
  }
  return [];
}

export function shows(flow: Flow, look: Look, screenName: string, values: FlowValues): boolean {
  const screen = flow.screens.find(({ name }) => name === screenName);
  if (screen === undefined) return false;
  const isSeen = (element: string) => seen(flow, look, element, values) !== null;
  return screen.has.every(isSeen) && !screen.not.some(isSeen);
}

/** The names of all screens that this look satisfies, for messages. */
export function screensOf(flow: Flow, look: Look, values: FlowValues): readonly string[] {
  return flow.screens.filter(({ name }) => shows(flow, look, name, values)).map(({ name }) => name);
}

export function popupOf(flow: Flow, look: Look, values: FlowValues): FlowPopup | null {
  return flow.popups.find(({ screen }) => shows(flow, look, screen, values)) ?? null;
}

/** What the app says: the first outcome whose screen shows. `about` is null when the screen does not tell whom it is about. */
export interface Outcome {
  readonly outcome: FlowOutcome;
  readonly about: string | null;
  /** In the app's words, or the screen's name. */
  readonly what: string;
}

export function outcomeOf(flow: Flow, look: Look, values: FlowValues): Outcome | null {
  const outcome = flow.outcomes.find(({ screen }) => shows(flow, look, screen, values));
  if (outcome === undefined) return null;
  const about = outcome.account === null ? null : handleOf(seen(flow, look, outcome.account, values)?.node.text ?? '');
  const said = outcome.says === null ? '' : (seen(flow, look, outcome.says, values)?.node.text ?? '');
  return { outcome, about: about === '' ? null : about, what: said === '' ? outcome.screen : said };
}

/** `@alice` and `alice` are the same handle. */
export function handleOf(text: string): string {
  return text.trim().replace(/^@/, '');
}

function filled(selector: FlowSelector, values: FlowValues): FlowSelector {
  const fill = (text: string) => text.replace(/\{(account|video)\}/g, (_whole, name: 'account' | 'video') => values[name]);
  return {
    ...selector,
    ...(selector.desc === undefined ? {} : { desc: fill(selector.desc) }),
    ...(selector.text === undefined ? {} : { text: fill(selector.text) }),
  };
}
