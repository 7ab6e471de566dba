/**
 * What the UiAutomator2 server does: its routes, sessions and elements.
 *
 * Knows no sockets and no faults. A request is first understood (its labels are
 * what fault switches and the request counter go by), then carried out.
 * Routes and answers: those that appium-uiautomator2-driver 8.7 uses.
 */
import type { Phone } from './phone.ts';
import { screenshot } from './screenshot.ts';
import { findByKey, nodeAt, SCREEN, shortId, tapTarget, type UiNode } from './ui-node.ts';
import { InvalidSelector, selectNodes } from './ui-selector.ts';
import { pageSource } from './ui-xpath.ts';

/** An answer with a W3C error name. */
export class Uia2Error extends Error {
  readonly status: number;
  readonly w3c: string;

  constructor(status: number, w3c: string, message: string) {
    super(message);
    this.status = status;
    this.w3c = w3c;
  }
}

export interface Uia2Request {
  readonly method: string;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface PreparedRequest {
  /** `tap:Post` and the like, the most telling first. */
  readonly labels: readonly string[];
  /** The path with `:id` for each id, for counting. */
  readonly pattern: string;
  /** Carries it out. @throws Uia2Error */
  run(): unknown;
}

const ELEMENT_KEY = 'element-6066-11e4-a52e-4f735466cecf';
const KEY_HOME = 3;
const KEY_BACK = 4;

type Handler = (body: Uia2Request['body'], name: string) => unknown;

export class Uia2Commands {
  readonly #phone: Phone;
  readonly #newId: () => string;
  #sessionId: string | null = null;
  #settings: Record<string, unknown> = {};
  readonly #keys = new Map<string, string>();
  #nextElement = 1;

  constructor(phone: Phone, newId: () => string) {
    this.#phone = phone;
    this.#newId = newId;
  }

  get sessionId(): string | null {
    return this.#sessionId;
  }

  /** The process ends: its session and elements are gone. */
  reset(): void {
    this.#sessionId = null;
    this.#settings = {};
    this.#keys.clear();
  }

  prepare(request: Uia2Request): PreparedRequest {
    const session = /^\/session\/([^/]+)(\/.*)?$/.exec(request.path);
    if (!session) {
      return { labels: [request.path.slice(1)], pattern: request.path, run: () => this.#withoutSession(request) };
    }
    const [, id, rest = ''] = session;
    const element = /^\/element\/([^/]+)\/(.+)$/.exec(rest);
    const inSession = <T>(work: () => T): T => {
      if (id !== this.#sessionId) throw new Uia2Error(404, 'invalid session id', `The session identified by ${id} is not known`);
      return work();
    };
    if (element && element[2] !== 'element') {
      const [, elementId = '', action = ''] = element;
      return {
        labels: this.#elementLabels(elementId, action),
        pattern: `/session/:id/element/:id/${action}`,
        run: () => inSession(() => this.#elementCommand(elementId, `${request.method} ${action}`, request.body)),
      };
    }
    return {
      labels: sessionLabels(rest, request),
      pattern: `/session/:id${rest}`,
      run: () => inSession(() => this.#sessionCommand(`${request.method} ${rest}`, request.body)),
    };
  }

  #withoutSession({ method, path }: Uia2Request): unknown {
    switch (`${method} ${path}`) {
      case 'GET /status':
        return { ready: true, message: 'UiAutomator2 Server is ready to accept commands' };
      case 'GET /sessions':
        return this.#sessionId === null ? [] : [{ id: this.#sessionId }];
      case 'POST /session':
        this.reset();
        this.#sessionId = this.#newId();
        return { sessionId: this.#sessionId, capabilities: {} };
      default:
        throw unknownCommand(method, path);
    }
  }

  #sessionCommand(command: string, body: Uia2Request['body']): unknown {
    const handler = this.#sessionHandlers[command];
    if (!handler) throw unknownCommand(...(command.split(' ') as [string, string]));
    return handler(body, '');
  }

  readonly #sessionHandlers: Readonly<Record<string, Handler>> = {
    'DELETE ': () => {
      this.reset();
      return null;
    },
    'GET /appium/device/pixel_ratio': () => 1.5,
    'GET /appium/device/system_bars': () => ({ statusBar: SCREEN.statusBar }),
    'GET /window/current/size': () => ({ width: SCREEN.width, height: SCREEN.height }),
    'GET /window/rect': () => ({ x: 0, y: 0, width: SCREEN.width, height: SCREEN.height }),
    'GET /appium/device/info': () => ({
      apiVersion: '33',
      platformVersion: '13',
      manufacturer: 'Simulated',
      model: 'SimPhone',
      realDisplaySize: `${SCREEN.width}x${SCREEN.height}`,
      displayDensity: 240,
    }),
    'GET /orientation': () => 'PORTRAIT',
    'GET /appium/settings': () => this.#settings,
    'POST /appium/settings': (body) => {
      this.#settings = { ...this.#settings, ...(body.settings as Record<string, unknown> | undefined) };
      return this.#settings;
    },
    'GET /source': () => pageSource(this.#phone.screen()),
    'GET /screenshot': () => screenshot(this.#phone.screen()).toString('base64'),
    'POST /element': (body) => {
      const [first] = this.#find(body);
      if (!first)
        throw new Uia2Error(404, 'no such element', 'An element could not be located on the page using the given search parameters');
      return first;
    },
    'POST /elements': (body) => this.#find(body),
    'POST /back': () => {
      this.#phone.back();
      return null;
    },
    'POST /appium/device/press_keycode': (body) => {
      if (body.keycode === KEY_BACK) this.#phone.back();
      else if (body.keycode === KEY_HOME) this.#phone.home();
      return null;
    },
    'POST /appium/gestures/click': (body) => {
      const node = this.#gestureTarget(body);
      if (node) this.#phone.tap(node);
      return null;
    },
  };

  #elementCommand(id: string, command: string, body: Uia2Request['body']): unknown {
    const root = this.#phone.screen();
    const node = this.#node(root, id);
    if (!node) throw new Uia2Error(404, 'stale element reference', 'The element does not exist in DOM anymore');
    if (command.startsWith('GET attribute/')) return attribute(node, command.slice('GET attribute/'.length));
    switch (command) {
      case 'POST click': {
        const target = tapTarget(root, node.key);
        if (target) this.#phone.tap(target);
        return null;
      }
      case 'POST value':
        this.#type(node, textOf(body), body.replace === true);
        return null;
      case 'POST clear':
        this.#type(node, '', true);
        return null;
      case 'GET text':
        return node.text;
      case 'GET name':
        return node.desc;
      case 'GET rect':
        return node.bounds;
      case 'GET screenshot':
        return screenshot(root).toString('base64');
      default:
        throw unknownCommand(...(command.split(' ') as [string, string]));
    }
  }

  #type(node: UiNode, text: string, replace: boolean): void {
    if (!this.#phone.app.type(node, text, replace))
      throw new Uia2Error(400, 'invalid element state', `Cannot set the element to '${text}'. Did you interact with the correct element?`);
  }

  #find(body: Uia2Request['body']): Record<string, string>[] {
    const context = typeof body.context === 'string' && body.context !== '' ? body.context : null;
    const contextKey = context === null ? null : (this.#keys.get(context) ?? '');
    try {
      const keys = selectNodes(this.#phone.screen(), String(body.strategy), String(body.selector), contextKey);
      return keys.map((key) => this.#reference(key));
    } catch (error) {
      if (error instanceof InvalidSelector) throw new Uia2Error(400, 'invalid selector', error.message);
      throw error;
    }
  }

  #reference(key: string): Record<string, string> {
    const known = [...this.#keys].find(([, other]) => other === key);
    const id = known?.[0] ?? `00000000-0000-0000-0000-${String(this.#nextElement++).padStart(12, '0')}`;
    this.#keys.set(id, key);
    return { ELEMENT: id, [ELEMENT_KEY]: id };
  }

  #node(root: UiNode, id: string): UiNode | null {
    const key = this.#keys.get(id);
    return key === undefined ? null : findByKey(root, key);
  }

  #gestureTarget(body: Uia2Request['body']): UiNode | null {
    const root = this.#phone.screen();
    const offset = body.offset as { readonly x: number; readonly y: number } | undefined;
    const origin = body.origin as Readonly<Record<string, string>> | undefined;
    const originNode = origin ? this.#node(root, origin[ELEMENT_KEY] ?? origin.ELEMENT ?? '') : null;
    if (originNode && !offset) return tapTarget(root, originNode.key);
    return nodeAt(root, (offset?.x ?? 0) + (originNode?.bounds.x ?? 0), (offset?.y ?? 0) + (originNode?.bounds.y ?? 0));
  }

  #elementLabels(id: string, action: string): string[] {
    const verb = action === 'click' ? 'tap' : action === 'value' || action === 'clear' ? 'type' : 'read';
    const root = this.#phone.screen();
    const node = this.#node(root, id);
    if (!node) return [`${verb}:stale`];
    const target = (verb === 'tap' && tapTarget(root, node.key)) || node;
    // A caption is data, not a name: what is typed into is known by its id alone.
    const names = verb === 'tap' ? [target.text, target.desc, shortId(target)] : [shortId(target)];
    return [...new Set(names.filter((name) => name !== '').map((name) => `${verb}:${name}`))];
  }
}

function sessionLabels(rest: string, request: Uia2Request): string[] {
  if (rest === '/element' || rest === '/elements') return [`find:${String(request.body.selector)}`];
  if (rest === '') return ['end_session'];
  return [rest.split('/').at(-1) ?? rest];
}

function textOf(body: Uia2Request['body']): string {
  if (typeof body.text === 'string') return body.text;
  return Array.isArray(body.value) ? body.value.join('') : '';
}

function attribute(node: UiNode, name: string): string | null {
  switch (name) {
    case 'displayed':
    case 'enabled':
      return 'true';
    case 'checked':
    case 'focused':
      return 'false';
    case 'text':
      return node.text;
    case 'content-desc':
    case 'contentDescription':
    case 'name':
      return node.desc === '' ? null : node.desc;
    case 'resource-id':
    case 'resourceId':
      return node.id === '' ? null : node.id;
    case 'class':
    case 'className':
      return node.className;
    case 'package':
      return node.packageName;
    case 'clickable':
      return String(node.clickable);
    case 'selected':
      return String(node.selected);
    case 'hint':
      return node.hint;
    case 'bounds': {
      const { x, y, width, height } = node.bounds;
      return `[${x},${y}][${x + width},${y + height}]`;
    }
    default:
      throw new Uia2Error(400, 'invalid argument', `'${name}' attribute is unknown for the element`);
  }
}

function unknownCommand(method: string, path: string): Uia2Error {
  return new Uia2Error(404, 'unknown command', `The simulated phone does not know ${method} ${path}`);
}
