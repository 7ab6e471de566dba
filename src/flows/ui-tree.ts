/**
 * Reads the page source of UiAutomator2 and finds elements in it.
 *
 * One request shows the whole screen; everything is then recognised from that
 * one look, so that what is checked together was on the screen together. This
 * is not an XML parser for the world: it reads what UiAutomator2 writes, tags
 * with attributes only. It knows no screens and no flows.
 */
import type { Selector } from '../appium/appium.ts';
import type { FlowSelector } from './flow.ts';

export interface UiNode {
  readonly className: string;
  readonly id: string;
  readonly text: string;
  readonly desc: string;
  /** What an empty field shows; '' when the phone does not tell. */
  readonly hint: string;
}

const TAG = /<([A-Za-z_][\w.$-]*)((?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*\/?>/g;
const ATTRIBUTE = /([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The visible nodes in the order of the document. Text that is no page source gives an empty list. */
export function parseUiTree(xml: string): readonly UiNode[] {
  const nodes: UiNode[] = [];
  for (const [, className = '', attributes = ''] of xml.matchAll(TAG)) {
    if (className === 'hierarchy') continue;
    const node = attributesOf(attributes);
    if (node.displayed === 'false') continue;
    nodes.push({
      className,
      id: node['resource-id'] ?? '',
      text: node.text ?? '',
      desc: node['content-desc'] ?? '',
      hint: node.hint ?? '',
    });
  }
  return nodes;
}

function attributesOf(text: string): Readonly<Record<string, string>> {
  const values: Record<string, string> = Object.create(null);
  for (const [, name = '', quoted, single] of text.matchAll(ATTRIBUTE)) values[name] = unescapeXml(quoted ?? single ?? '');
  return values;
}

function unescapeXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex?: string, decimal?: string, name?: string) => {
    if (name !== undefined) return NAMED[name] ?? whole;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

/** True when all conditions of the selector hold on this node. */
export function matches(node: UiNode, selector: FlowSelector, packageName: string): boolean {
  return (
    (selector.id === undefined || node.id === fullId(selector.id, packageName)) &&
    (selector.desc === undefined || node.desc === selector.desc) &&
    (selector.text === undefined || node.text === selector.text)
  );
}

/** The selector by which the phone finds what `matches` found; several conditions become one XPath. */
export function toUiSelector(selector: FlowSelector, packageName: string): Selector {
  const id = selector.id === undefined ? undefined : fullId(selector.id, packageName);
  const conditions: [name: string, value: string][] = [];
  if (id !== undefined) conditions.push(['resource-id', id]);
  if (selector.desc !== undefined) conditions.push(['content-desc', selector.desc]);
  if (selector.text !== undefined) conditions.push(['text', selector.text]);
  if (conditions.length > 1) return { xpath: `//*[${conditions.map(([name, value]) => `@${name}=${literal(value)}`).join(' and ')}]` };
  if (id !== undefined) return { id };
  return selector.desc === undefined ? { text: selector.text ?? '' } : { desc: selector.desc };
}

function fullId(id: string, packageName: string): string {
  return id.includes(':id/') ? id : `${packageName}:id/${id}`;
}

/** XPath 1.0 has no escapes: a text with both kinds of quotes is put together by concat(). */
function literal(value: string): string {
  if (!value.includes('"')) return `"${value}"`;
  if (!value.includes("'")) return `'${value}'`;
  return `concat(${value
    .split('"')
    .map((part) => `"${part}"`)
    .join(`, '"', `)})`;
}
