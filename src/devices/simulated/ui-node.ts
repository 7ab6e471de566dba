/**
 * A screen of the simulated phone as a tree of elements, and its layout.
 *
 * Pure. A node's `key` names it across redraws: an element that was found stays
 * valid as long as a node of its key is on the screen, and is stale afterwards.
 */

export interface Bounds {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What a node is drawn from; `bounds` come from the layout. */
export interface UiSpec {
  readonly key: string;
  readonly className: string;
  /** Full resource id (`demo.video:id/post_button`) or ''. */
  readonly id: string;
  readonly text: string;
  readonly desc: string;
  readonly clickable: boolean;
  readonly selected: boolean;
  readonly hint: string;
  readonly children: readonly UiSpec[];
}

export interface UiNode extends UiSpec {
  readonly bounds: Bounds;
  readonly packageName: string;
  readonly children: readonly UiNode[];
}

export const SCREEN = { width: 540, height: 1170, statusBar: 32 } as const;
const ROW = 44;
const INSET = 8;

/** Lays a screen out as one column of rows. What does not fit lies below the edge, as in a list that was not scrolled. */
export function layOut(spec: UiSpec, packageName: string): UiNode {
  return place(spec, packageName, { x: 0, y: SCREEN.statusBar, width: SCREEN.width, height: SCREEN.height - SCREEN.statusBar }, true);
}

function place(spec: UiSpec, packageName: string, area: Bounds, whole: boolean): UiNode {
  let y = area.y + (spec.children.length > 0 ? INSET : 0);
  const children: UiNode[] = [];
  for (const child of spec.children) {
    const node = place(child, packageName, { x: area.x + INSET, y, width: area.width - 2 * INSET, height: ROW }, false);
    children.push(node);
    y += node.bounds.height + INSET;
  }
  const grown = Math.max(ROW, y - area.y);
  return { ...spec, packageName, children, bounds: whole ? area : { ...area, height: spec.children.length > 0 ? grown : ROW } };
}

/** The node and all below it, parents first. */
export function* walk(node: UiNode): Generator<UiNode> {
  yield node;
  for (const child of node.children) yield* walk(child);
}

export function findByKey(root: UiNode, key: string): UiNode | null {
  for (const node of walk(root)) if (node.key === key) return node;
  return null;
}

/** What a tap on the node taps: itself or the nearest clickable ancestor; null when nothing there listens. */
export function tapTarget(root: UiNode, key: string): UiNode | null {
  return pathTo(root, key).findLast((node) => node.clickable) ?? null;
}

/** The innermost clickable node at a point of the screen. */
export function nodeAt(root: UiNode, x: number, y: number): UiNode | null {
  const hits = [...walk(root)].filter(
    ({ bounds, clickable }) => clickable && x >= bounds.x && x < bounds.x + bounds.width && y >= bounds.y && y < bounds.y + bounds.height,
  );
  return hits.at(-1) ?? null;
}

function pathTo(node: UiNode, key: string): UiNode[] {
  if (node.key === key) return [node];
  for (const child of node.children) {
    const path = pathTo(child, key);
    if (path.length > 0) return [node, ...path];
  }
  return [];
}

/** `post_button` of `demo.video:id/post_button`. */
export function shortId(node: UiSpec): string {
  return node.id.slice(node.id.indexOf('/') + 1);
}
