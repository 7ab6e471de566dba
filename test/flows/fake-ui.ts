/**
 * A pretend phone with the demo app on it, in memory: a small state machine that
 * draws the screens of flows/demo.yaml and keeps what was done to it. `posts` is
 * the judge of every test: what is public, however the call ended.
 */
import type { Selector, Ui, UiElement } from '../../src/appium/appium.ts';
import { SchedulerError } from '../../src/errors.ts';

export interface FakePost {
  readonly account: string;
  readonly video: string;
  readonly caption: string;
  readonly time: string;
}

export type FakeScreen = 'feed' | 'profile' | 'switcher' | 'picker' | 'compose' | 'uploading' | 'rejected' | 'pick_failed' | 'blank';
export type Trouble = 'captcha' | 'suspended' | 'login' | 'action_blocked' | 'verification';

interface FakeNode {
  readonly id: string;
  readonly text: string;
  readonly desc: string;
  readonly hint: string;
}

/** A request that failed, as the real edge says it. */
export function uiFailure(sent: 'no' | 'maybe', text: string, name = 'unknown error'): SchedulerError {
  return new SchedulerError('UI_FAILED', { details: { sent, text, name, endpoint: 'POST element/click' } });
}

export class FakeUi implements Ui {
  readonly sessionId = 'fake';
  /** What is public. */
  readonly posts: FakePost[] = [];
  /** The id and text of every tapped element, in order. */
  readonly taps: string[] = [];
  accounts = ['alice', 'bob'];
  account = 'alice';
  /** Newest first. */
  media: string[] = [];
  screen: FakeScreen = 'feed';
  popup = false;
  popups = 0;
  /** Trouble by account, or `*` for a screen that does not say about whom. */
  troubles: Partial<Record<string, Trouble>> = {};
  /** What the app does after the Post button: looks until the upload is over, or never. */
  uploadLooks = 2;
  uploadFate: 'posted' | 'lost' | 'background' | 'rejected' = 'posted';
  banner = false;
  caption = '';
  chosen = '';
  closed = 0;
  nowIso = (): string => '2026-01-05T12:00:00.000Z';
  /** Called before a tap is carried out; it may throw, or change the app. */
  beforeTap: (id: string) => void | Promise<void> = () => undefined;
  /** Called after it was. */
  afterTap: (id: string) => void | Promise<void> = () => undefined;
  /** What the field makes of a typed text. */
  takes: (text: string) => string = (text) => text;
  /** What is drawn instead of the nodes of the app. */
  draw: (nodes: FakeNode[]) => FakeNode[] = (nodes) => nodes;
  #uploading = 0;
  #inBackground = false;

  async source(signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    this.#uploadGoesOn();
    const nodes = this.#nodes().map(
      ({ id, text, desc, hint }) =>
        `<android.view.View resource-id="${id}" text="${xml(text)}" content-desc="${xml(desc)}" hint="${xml(hint)}" displayed="true" />`,
    );
    return `<?xml version='1.0' encoding='UTF-8'?><hierarchy rotation="0">${nodes.join('')}</hierarchy>`;
  }

  async peek(selectors: readonly Selector[], signal: AbortSignal): Promise<UiElement | null> {
    signal.throwIfAborted();
    for (const selector of selectors) {
      const node = this.#nodes().find((candidate) => selects(selector, candidate));
      if (node !== undefined) return { id: `${node.id}|${node.text}` };
    }
    return null;
  }

  async find(selectors: readonly Selector[], limitMs: number, signal: AbortSignal): Promise<UiElement> {
    const found = await this.peek(selectors, signal);
    if (found === null) throw new SchedulerError('ELEMENT_NOT_FOUND', { details: { selectors: JSON.stringify(selectors), limitMs } });
    return found;
  }

  async tap(element: UiElement, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const [id = '', text = ''] = element.id.split('|');
    const name = id.replace('demo.video:id/', '');
    this.taps.push(name);
    await this.beforeTap(name);
    if (!this.#nodes().some((node) => node.id === id))
      throw uiFailure('maybe', 'The element does not exist in DOM anymore', 'stale element reference');
    this.#tapped(name, text);
    await this.afterTap(name);
  }

  async type(_element: UiElement, text: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.caption = this.takes(text);
  }

  async text(element: UiElement): Promise<string> {
    if (element.id.startsWith('demo.video:id/caption_input')) return this.caption === '' ? 'Write a caption…' : this.caption;
    return element.id.split('|')[1] ?? '';
  }

  async screenshot(): Promise<Uint8Array> {
    return new Uint8Array([0x89, 0x50, 0x4e, 0x47]);
  }

  async back(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.taps.push('back');
    this.screen = this.screen === 'compose' ? 'picker' : 'feed';
  }

  async openApp(): Promise<void> {
    // It comes to the front as it was left.
  }

  async closeApp(): Promise<void> {
    this.screen = 'feed';
  }

  async close(): Promise<void> {
    this.closed += 1;
  }

  /** How often the button that posts was tapped. */
  get postTaps(): number {
    return this.taps.filter((id) => id === 'post_button').length;
  }

  #tapped(id: string, text: string): void {
    if (id === 'popup_dismiss') {
      this.popup = false;
      this.popups += 1;
    } else if (id === 'tab_profile') this.screen = 'profile';
    else if (id === 'tab_home' || id === 'rejected_ok') this.screen = 'feed';
    else if (id === 'create_button' || id === 'pick_failed_ok') this.#openPicker();
    else if (id === 'profile_handle' || id === 'trouble_switch') this.screen = 'switcher';
    else if (id === 'switcher_entry') {
      this.account = text.slice(1);
      this.screen = 'feed';
    } else if (id === 'picker_name') {
      this.chosen = text;
      this.caption = '';
      this.screen = 'compose';
    } else if (id === 'post_button') this.#post();
    if (id !== 'popup_dismiss' && this.screen !== 'uploading') this.banner = false;
  }

  #openPicker(): void {
    this.screen = 'picker';
  }

  #post(): void {
    this.screen = this.uploadFate === 'background' ? 'feed' : 'uploading';
    this.#inBackground = this.uploadFate === 'background';
    this.#uploading = this.uploadLooks;
  }

  #uploadGoesOn(): void {
    if (this.#uploading === 0) return;
    this.#uploading -= 1;
    if (this.#uploading > 0) return;
    this.#inBackground = false;
    if (this.uploadFate === 'rejected') {
      this.screen = 'rejected';
      return;
    }
    if (this.screen === 'uploading') this.screen = 'feed';
    if (this.uploadFate === 'lost') return;
    this.posts.unshift({ account: this.account, video: this.chosen, caption: this.caption, time: this.nowIso() });
    this.banner = true;
  }

  #nodes(): FakeNode[] {
    return this.draw(this.#drawn());
  }

  #drawn(): FakeNode[] {
    if (this.popup)
      return [node('popup_dialog'), node('popup_title', 'Rate Demo?'), node('popup_accept', 'Rate'), node('popup_dismiss', 'Not now')];
    const trouble = this.troubles[this.account] ?? this.troubles['*'];
    if (trouble !== undefined && this.screen !== 'switcher') {
      const about =
        this.troubles['*'] === undefined ? [node('trouble_account', `@${this.account}`), node('trouble_switch', 'Switch account')] : [];
      return [node(`${trouble}_screen`), node('trouble_title', 'The app says so'), ...about];
    }
    return this.#screenNodes();
  }

  #screenNodes(): FakeNode[] {
    const tabs = [node('tab_home', 'Home'), node('create_button', 'Create'), node('tab_profile', 'Profile')];
    const own = this.posts.filter(({ account }) => account === this.account);
    switch (this.screen) {
      case 'feed':
        return [
          node('account_handle', `@${this.account}`),
          ...(this.banner ? [node('posted_banner', 'Your video was posted')] : []),
          ...(this.#inBackground ? [node('upload_banner', 'Uploading…')] : []),
          node('feed_list'),
          ...this.posts.map(({ caption }) => node('feed_caption', caption)),
          ...tabs,
        ];
      case 'profile':
        return [
          node('profile_screen'),
          node('profile_handle', `@${this.account}`),
          node('posts_count', `${own.length} posts`),
          ...own.flatMap(({ caption, time }) => [node('post_caption', caption), node('post_time', time)]),
          ...tabs,
        ];
      case 'switcher':
        return [node('switcher_sheet'), ...this.accounts.map((account) => node('switcher_entry', `@${account}`))];
      case 'picker':
        return [node('picker_list'), ...this.media.map((name) => node('picker_name', name))];
      case 'compose':
        return [
          node('compose_screen'),
          node('posting_as', `@${this.account}`),
          node('selected_name', this.chosen),
          { ...node('caption_input', this.caption), hint: 'Write a caption…' },
          node('post_button', 'Post'),
        ];
      case 'uploading':
        return [node('upload_screen'), node('upload_title', 'Uploading…')];
      case 'rejected':
        return [node('rejected_screen'), node('rejected_text', 'This file format is not supported.'), node('rejected_ok', 'OK')];
      case 'pick_failed':
        return [node('pick_failed_screen'), node('pick_failed_title', "Can't open this video"), node('pick_failed_ok', 'OK')];
      case 'blank':
        return [];
    }
  }
}

export function node(id: string, text = '', desc = ''): FakeNode {
  return { id: `demo.video:id/${id}`, text, desc, hint: '' };
}

function selects(selector: Selector, { id, text, desc }: FakeNode): boolean {
  if (selector.id !== undefined) return selector.id === id;
  if (selector.desc !== undefined) return selector.desc === desc;
  if (selector.text !== undefined) return selector.text === text;
  const wanted = [...(selector.xpath ?? '').matchAll(/@([\w-]+)="([^"]*)"/g)];
  const has: Record<string, string> = { 'resource-id': id, text, 'content-desc': desc };
  return wanted.length > 0 && wanted.every(([, name = '', value]) => has[name] === value);
}

function xml(text: string): string {
  return text.replace(/[&<>"\n\r\t]/g, (char) => `&#${char.charCodeAt(0)};`);
}
