/**
 * YAML with places: the one home of the `yaml` package.
 *
 * A parsed text remembers where each value stands, so that whoever validates it
 * can say `scheduler.yaml:12:5`. It knows no schema and reads no file.
 */
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';

/** The text is no YAML. `where` is `file:line:column`; the callers turn it into a code of their own. */
export class YamlProblem extends Error {
  readonly where: string;
  readonly what: string;

  constructor(where: string, what: string) {
    super(`${where}: ${what}`);
    this.name = 'YamlProblem';
    this.where = where;
    this.what = what;
  }
}

export type YamlPath = readonly PropertyKey[];

export interface YamlText {
  /** Plain objects, arrays, strings, numbers, booleans, null; null for an empty text. */
  readonly value: unknown;
  /** `file:line:column` of the key at this path (or of the item, in a list); of the nearest parent that exists when it does not. */
  where(path: YamlPath): string;
}

/**
 * YAML 1.2: `no`, `on` and `08:30` are strings. Duplicate keys are an error.
 *
 * @throws YamlProblem when the text is not valid YAML
 */
export function parseYaml(text: string, fileName: string): YamlText {
  const lines = new LineCounter();
  // logLevel: what is wrong is thrown; the package would also write its own warnings to stderr.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, logLevel: 'error' });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${fileName}:${line}:${col}`;
  };
  const [error] = document.errors;
  if (error !== undefined) throw new YamlProblem(place(error.pos[0]), oneLine(error.message));
  return {
    value: plainValue(document, fileName),
    where: (path) => {
      const offset = offsetOf(document, path);
      return offset === null ? fileName : place(offset);
    },
  };
}

/** Aliases that multiply beyond reason are refused by the package while it builds the value. */
function plainValue(document: Document, fileName: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new YamlProblem(fileName, oneLine(error instanceof Error ? error.message : String(error)));
  }
}

function offsetOf(document: Document, path: YamlPath): number | null {
  for (let length = path.length; length >= 0; length -= 1) {
    const offset = offsetAt(document, path.slice(0, length));
    if (offset !== null) return offset;
  }
  return null;
}

function offsetAt(document: Document, path: YamlPath): number | null {
  const last = path.at(-1);
  const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
  if (last !== undefined && isMap(parent)) {
    const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(last));
    if (pair !== undefined && isNode(pair.key) && pair.key.range) return pair.key.range[0];
  }
  const node = path.length === 0 ? document.contents : document.getIn(path, true);
  return isNode(node) && node.range ? node.range[0] : null;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
