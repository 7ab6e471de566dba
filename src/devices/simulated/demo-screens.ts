/**
 * What the demo app shows: from its state to a tree of elements.
 *
 * Pure; the ids and texts are those of the table in demo-app.ts, above DEMO_PACKAGE.
 */
import type { TroubleName } from './faults.ts';
import type { LedgerEntry } from './ledger.ts';
import type { MediaRow } from './phone-files.ts';
import type { UiSpec } from './ui-node.ts';

export type Screen = 'feed' | 'profile' | 'switcher' | 'picker' | 'compose' | 'uploading' | 'rejected' | 'pick_failed';

export interface DemoView {
  readonly screen: Screen;
  readonly account: string;
  readonly accounts: readonly string[];
  readonly posts: readonly LedgerEntry[];
  readonly media: readonly MediaRow[];
  readonly draft: { readonly video: MediaRow | null; readonly caption: string };
  /** 0 to 100 while an upload runs. */
  readonly uploadPercent: number | null;
  readonly postedBanner: boolean;
  readonly popup: boolean;
  readonly trouble: TroubleName | null;
}

/** Draws the one window that is in front. */
export function drawDemo(view: DemoView): UiSpec {
  if (view.popup) return popup();
  if (view.screen === 'switcher') return switcher(view);
  if (view.trouble) return trouble(view.trouble, view.account);
  switch (view.screen) {
    case 'feed':
      return feed(view);
    case 'profile':
      return profile(view);
    case 'picker':
      return picker(view);
    case 'compose':
      return compose(view);
    case 'uploading':
      return uploading(view.uploadPercent ?? 0);
    case 'rejected':
      return notice('rejected', 'Your video could not be posted', 'This file format is not supported.');
    case 'pick_failed':
      return notice('pick_failed', "Can't open this video", 'The file is no longer there.');
  }
}

function feed(view: DemoView): UiSpec {
  return group('feed_screen', [
    text('account_handle', `@${view.account}`, { clickable: true, desc: `Signed in as @${view.account}` }),
    ...(view.postedBanner ? [text('posted_banner', 'Your video was posted')] : []),
    ...(view.uploadPercent === null ? [] : [text('upload_banner', 'Uploading…'), text('upload_hint', 'Keep Demo open to finish posting…')]),
    group(
      'feed_list',
      numberedNewestFirst(view.posts).map(({ post, at }) =>
        group('feed_item', [text('feed_author', `@${post.account}`, {}, at), text('feed_caption', post.caption, {}, at)], {}, at),
      ),
      { className: 'androidx.recyclerview.widget.RecyclerView' },
    ),
    ...tabs(),
  ]);
}

function profile(view: DemoView): UiSpec {
  const own = numberedNewestFirst(view.posts).filter(({ post }) => post.account === view.account);
  return group('profile_screen', [
    text('profile_handle', `@${view.account}`, { clickable: true, desc: 'Switch account' }),
    text('posts_count', own.length === 1 ? '1 post' : `${own.length} posts`),
    group(
      'post_list',
      own.map(({ post, at }) =>
        group('post_item', [text('post_caption', post.caption, {}, at), text('post_time', post.time, {}, at)], {}, at),
      ),
      { className: 'androidx.recyclerview.widget.RecyclerView' },
    ),
    ...tabs(),
  ]);
}

/** A post keeps its number, and so its element stays the same one, when newer ones push it down. */
function numberedNewestFirst(posts: readonly LedgerEntry[]): { readonly post: LedgerEntry; readonly at: number }[] {
  return posts.map((post, at) => ({ post, at })).reverse();
}

function tabs(): UiSpec[] {
  return [button('tab_home', 'Home'), button('create_button', 'Create'), button('tab_profile', 'Profile')];
}

function switcher(view: DemoView): UiSpec {
  return group('switcher_sheet', [
    text('switcher_title', 'Switch account'),
    ...view.accounts.map((account) =>
      text(
        'switcher_entry',
        `@${account}`,
        { clickable: true, desc: `Switch to @${account}`, selected: account === view.account },
        account,
      ),
    ),
    button('switcher_close', 'Close'),
  ]);
}

function picker(view: DemoView): UiSpec {
  const newest = [...view.media].reverse();
  return group('picker_screen', [
    text('picker_title', 'New video'),
    button('picker_close', 'Cancel'),
    ...(newest.length === 0 ? [text('picker_empty', 'No videos')] : []),
    group(
      'picker_list',
      newest.map((row) =>
        group(
          'picker_item',
          [text('picker_name', row.name, {}, row.id), text('picker_size', `${row.bytes} bytes`, {}, row.id)],
          { clickable: true, desc: `Video ${row.name}, ${row.bytes} bytes` },
          row.id,
        ),
      ),
      { className: 'androidx.recyclerview.widget.RecyclerView' },
    ),
  ]);
}

function compose(view: DemoView): UiSpec {
  return group('compose_screen', [
    text('compose_title', 'New post'),
    text('posting_as', `@${view.account}`),
    text('selected_name', view.draft.video?.name ?? ''),
    text('selected_size', `${view.draft.video?.bytes ?? 0} bytes`),
    text('caption_input', view.draft.caption, { className: 'android.widget.EditText', clickable: true, hint: 'Write a caption…' }),
    button('post_button', 'Post'),
    button('compose_cancel', 'Cancel'),
  ]);
}

function uploading(percent: number): UiSpec {
  return group('upload_screen', [
    text('upload_title', 'Uploading…'),
    text('upload_hint', 'Keep Demo open to finish posting…'),
    text('upload_progress', `${percent} %`, { className: 'android.widget.ProgressBar' }),
  ]);
}

function notice(name: 'rejected' | 'pick_failed', title: string, body: string): UiSpec {
  return group(`${name}_screen`, [text(`${name}_title`, title), text(`${name}_text`, body), button(`${name}_ok`, 'OK')]);
}

const TROUBLE_SCREENS: Readonly<Record<TroubleName, readonly [id: string, title: string, body: string]>> = {
  captcha: ['captcha_screen', 'Confirm you are human', 'Drag the slider to fit the puzzle.'],
  suspended: ['suspended_screen', 'Your account has been suspended', 'It does not follow our community guidelines.'],
  logged_out: ['login_screen', 'Log in to Demo', 'You have been logged out. Please log in again.'],
  action_blocked: ['action_blocked_screen', 'Action blocked', 'This action was blocked. Please try again later.'],
  verification: ['verification_screen', "Confirm it's you", 'Enter the code we sent to your email.'],
};

function trouble(name: TroubleName, account: string): UiSpec {
  const [id, title, body] = TROUBLE_SCREENS[name];
  return group(id, [
    text('trouble_title', title),
    text('trouble_text', body),
    text('trouble_account', `@${account}`),
    button('trouble_switch', 'Switch account'),
  ]);
}

function popup(): UiSpec {
  return group('popup_dialog', [
    text('popup_title', 'Rate Demo?'),
    text('popup_accept', 'Rate', { className: 'android.widget.Button', clickable: true }),
    button('popup_dismiss', 'Not now'),
  ]);
}

function group(name: string, children: readonly UiSpec[], extra: Partial<UiSpec> = {}, row?: number | string): UiSpec {
  return element(name, { className: 'android.view.ViewGroup', children, ...extra }, row);
}

function text(name: string, value: string, extra: Partial<UiSpec> = {}, row?: number | string): UiSpec {
  return element(name, { className: 'android.widget.TextView', text: value, ...extra }, row);
}

function button(name: string, label: string): UiSpec {
  return element(name, { className: 'android.widget.Button', text: label, desc: label, clickable: true });
}

function element(name: string, extra: Partial<UiSpec>, row?: number | string): UiSpec {
  const key = row === undefined ? name : `${name}/${row}`;
  return {
    key,
    className: '',
    id: `demo.video:id/${name}`,
    text: '',
    desc: '',
    clickable: false,
    selected: false,
    hint: '',
    children: [],
    ...extra,
  };
}
