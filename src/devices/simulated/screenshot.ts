/**
 * A screen as a PNG: coloured boxes where the elements are, deterministic.
 *
 * Enough for evidence that shows which screen it was; there are no letters on it.
 */
import { crc32, deflateSync } from 'node:zlib';
import { SCREEN, type UiNode, walk } from './ui-node.ts';

const PALETTE = [
  [250, 250, 250],
  [205, 210, 218],
  [66, 133, 244],
  [52, 168, 83],
  [251, 188, 4],
  [120, 120, 130],
] as const;
const BACKGROUND = 0;
const STATUS_BAR = 5;

export function screenshot(root: UiNode): Buffer {
  const pixels = Buffer.alloc((SCREEN.width + 1) * SCREEN.height, BACKGROUND);
  fill(pixels, { x: 0, y: 0, width: SCREEN.width, height: SCREEN.statusBar }, STATUS_BAR);
  for (const node of walk(root)) {
    if (node.children.length === 0 && (node.text !== '' || node.clickable)) fill(pixels, node.bounds, colourOf(node));
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(SCREEN.width, 0);
  header.writeUInt32BE(SCREEN.height, 4);
  // 8 bits a pixel, colours from a palette.
  header.set([8, 3, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const palette = Buffer.from(PALETTE.flat());
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('PLTE', palette),
    chunk('IDAT', deflateSync(pixels, { level: 1 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function colourOf(node: UiNode): number {
  if (node.className.endsWith('EditText')) return 4;
  if (node.className.endsWith('Button')) return 2;
  return node.clickable ? 3 : 1;
}

function fill(pixels: Buffer, box: UiNode['bounds'], colour: number): void {
  const bottom = Math.min(SCREEN.height, box.y + box.height);
  const right = Math.min(SCREEN.width, box.x + box.width);
  for (let y = Math.max(0, box.y); y < bottom; y++) {
    // Each line starts with one byte that names its filter: 0, none.
    const line = y * (SCREEN.width + 1) + 1;
    pixels.fill(colour, line + Math.max(0, box.x), line + right);
  }
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
