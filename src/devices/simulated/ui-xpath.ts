/**
 * The page source as XML, and XPath over it: home of `@xmldom/xmldom` and `xpath`.
 *
 * The attributes are those of UiAutomator2's page source; a private `key` leads
 * from a matched XML element back to its node and is not part of the source shown.
 */
import { DOMImplementation, type Document, type Element, XMLSerializer } from '@xmldom/xmldom';
import xpath from 'xpath';
import { SCREEN, type UiNode } from './ui-node.ts';

/** Thrown for an expression that is none, or that does not lead to elements. */
export class BadXPath extends Error {}

export function pageSource(root: UiNode): string {
  const document = build(root, null);
  return `<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n${new XMLSerializer().serializeToString(document)}`;
}

/** Keys of the matching nodes in document order. @throws BadXPath */
export function selectByXPath(root: UiNode, expression: string, contextKey: string | null): string[] {
  const keys = new Map<Element, string>();
  const document = build(root, keys);
  let context: unknown = document;
  for (const [element, key] of keys) if (key === contextKey) context = element;
  let found: unknown;
  try {
    // xpath's types want the browser's DOM; it works on any.
    found = (xpath.select as (text: string, node: unknown) => unknown)(expression, context);
  } catch (error) {
    throw new BadXPath(error instanceof Error ? error.message : String(error));
  }
  if (!Array.isArray(found)) throw new BadXPath(`it leads to a ${typeof found}, not to elements`);
  return found.map((node) => {
    const key = keys.get(node as Element);
    if (key === undefined) throw new BadXPath('it leads to something that is no element');
    return key;
  });
}

function build(root: UiNode, keys: Map<Element, string> | null): Document {
  const document = new DOMImplementation().createDocument(null, 'hierarchy');
  const hierarchy = document.documentElement as Element;
  set(hierarchy, { index: '0', class: 'hierarchy', rotation: '0', width: String(SCREEN.width), height: String(SCREEN.height) });
  append(document, hierarchy, root, 0, keys);
  return document;
}

function append(document: Document, parent: Element, node: UiNode, index: number, keys: Map<Element, string> | null): void {
  const element = document.createElement(node.className);
  const { x, y, width, height } = node.bounds;
  set(element, {
    index: String(index),
    package: node.packageName,
    class: node.className,
    text: node.text,
    ...(node.desc === '' ? {} : { 'content-desc': node.desc }),
    ...(node.id === '' ? {} : { 'resource-id': node.id }),
    ...(node.hint === '' ? {} : { hint: node.hint }),
    checkable: 'false',
    checked: 'false',
    clickable: String(node.clickable),
    enabled: 'true',
    focusable: String(node.clickable),
    focused: 'false',
    'long-clickable': 'false',
    password: 'false',
    scrollable: 'false',
    selected: String(node.selected),
    bounds: `[${x},${y}][${x + width},${y + height}]`,
    displayed: 'true',
  });
  parent.appendChild(element);
  keys?.set(element, node.key);
  for (const [at, child] of node.children.entries()) append(document, element, child, at, keys);
}

function set(element: Element, attributes: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}
