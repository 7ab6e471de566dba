/**
 * The selector strategies of UiAutomator2: id, accessibility id, class name,
 * xpath and a subset of `new UiSelector()`.
 *
 * Pure: from a screen and a selector to the keys of the nodes that match.
 */
import { shortId, type UiNode, walk } from './ui-node.ts';
import { BadXPath, selectByXPath } from './ui-xpath.ts';

/** Becomes the W3C error `invalid selector`. */
export class InvalidSelector extends Error {}

type Test = (node: UiNode) => boolean;

/** @throws InvalidSelector */
export function selectNodes(root: UiNode, strategy: string, selector: string, contextKey: string | null): string[] {
  if (strategy === 'xpath') {
    try {
      return selectByXPath(root, selector, contextKey);
    } catch (error) {
      if (error instanceof BadXPath) throw new InvalidSelector(`XPath expression '${selector}' is not valid: ${error.message}`);
      throw error;
    }
  }
  const nodes = [...walk(root)];
  const scope = contextKey === null ? nodes : nodes.filter((node) => node.key === contextKey).flatMap((node) => [...walk(node)].slice(1));
  switch (strategy) {
    case 'id':
      return keysOf(
        scope,
        (node) => node.id !== '' && (node.id === selector || (!selector.includes(':id/') && shortId(node) === selector)),
      );
    case 'accessibility id':
      return keysOf(scope, (node) => node.desc === selector);
    case 'class name':
      return keysOf(scope, (node) => node.className === selector);
    case '-android uiautomator':
      return selectByUiSelector(scope, selector);
    default:
      throw new InvalidSelector(`Locator strategy '${strategy}' is not supported`);
  }
}

function keysOf(nodes: readonly UiNode[], test: Test): string[] {
  return nodes.filter(test).map((node) => node.key);
}

const CALL = /\.(\w+)\(\s*("(?:[^"\\]|\\.)*"|true|false|\d+)?\s*\)/gy;

function selectByUiSelector(scope: readonly UiNode[], text: string): string[] {
  // scrollIntoView: the whole list is on the screen already, so that only the inner selector counts.
  const inner = /scrollIntoView\(\s*(new UiSelector\(\)[\s\S]*?)\)\s*;?\s*$/.exec(text);
  const source = (inner?.[1] ?? text).trim().replace(/;$/, '');
  const head = 'new UiSelector()';
  if (!source.startsWith(head)) throw new InvalidSelector(`Could not parse UiSelector argument: ${text}`);
  const tests: Test[] = [];
  let instance: number | null = null;
  CALL.lastIndex = head.length;
  let at = head.length;
  for (let call = CALL.exec(source); call; call = CALL.exec(source)) {
    at = CALL.lastIndex;
    const [, method = '', argument = ''] = call;
    const value = argument.startsWith('"') ? unescapeJava(argument) : argument;
    if (method === 'instance' || method === 'index') instance = Number(value);
    else tests.push(testOf(method, value, text));
  }
  if (at !== source.length) throw new InvalidSelector(`Could not parse UiSelector argument: ${text}`);
  const keys = keysOf(scope, (node) => tests.every((test) => test(node)));
  return instance === null ? keys : keys.slice(instance, instance + 1);
}

function unescapeJava(literal: string): string {
  const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };
  return literal
    .slice(1, -1)
    .replace(/\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g, (_, unicode: string | undefined, char: string) =>
      unicode ? String.fromCharCode(Number.parseInt(unicode, 16)) : (escapes[char] ?? char),
    );
}

function testOf(method: string, value: string, whole: string): Test {
  const match = /^(text|description|resourceId|className)(Contains|StartsWith|Matches)?$/.exec(method);
  if (match) {
    const read = READERS[match[1] as keyof typeof READERS];
    const compare = comparison(match[2], value, whole);
    return (node) => compare(read(node));
  }
  if (method === 'clickable') return (node) => String(node.clickable) === value;
  if (method === 'selected') return (node) => String(node.selected) === value;
  if (method === 'enabled') return () => value === 'true';
  if (method === 'scrollable') return (node) => String(node.className.includes('RecyclerView')) === value;
  if (method === 'packageName') return (node) => node.packageName === value;
  throw new InvalidSelector(`UiSelector has no method '${method}' in the simulated phone: ${whole}`);
}

const READERS = {
  text: (node: UiNode) => node.text,
  description: (node: UiNode) => node.desc,
  resourceId: (node: UiNode) => node.id,
  className: (node: UiNode) => node.className,
};

function comparison(kind: string | undefined, value: string, whole: string): (actual: string) => boolean {
  switch (kind) {
    case 'Contains':
      return (actual) => actual.toLowerCase().includes(value.toLowerCase());
    case 'StartsWith':
      return (actual) => actual.toLowerCase().startsWith(value.toLowerCase());
    case 'Matches':
      try {
        const pattern = new RegExp(`^(?:${value})$`, 'su');
        return (actual) => pattern.test(actual);
      } catch {
        throw new InvalidSelector(`Could not parse UiSelector argument: ${whole}`);
      }
    default:
      return (actual) => actual === value;
  }
}
