/**
 * The pretend video app of the simulated phone: its state, and what a tap, a text
 * and a back do to it. How it looks is in demo-screens.ts; the table of its
 * screens, ids and texts, on which flows rely, stands above DEMO_PACKAGE.
 *
 * Knows no adb and no HTTP. Publishes by writing to the ledger, after an upload
 * that faults can slow, lose, stop or refuse.
 */
import { type Clock, isoTime } from '../../runtime/clock.ts';
import { drawDemo, type Screen } from './demo-screens.ts';
import { type Faults, TROUBLES, type TroubleName } from './faults.ts';
import type { Ledger } from './ledger.ts';
import type { MediaRow, PhoneFiles } from './phone-files.ts';
import { shortId, type UiSpec } from './ui-node.ts';

/**
 * Package `demo.video`, activity `demo.video.MainActivity`, label "Demo": what a flow can rely on.
 *
 * Every id is written `demo.video:id/NAME`; `desc` is the content-desc. A tap on a
 * child of a clickable element (a name inside an item) taps that element.
 * One screen shows at a time; a dialog hides the screen below it from the tree.
 *
 * | screen       | known by                | elements (id: text · desc)                                              |
 * |--------------|-------------------------|-------------------------------------------------------------------------|
 * | feed         | `feed_list`             | `account_handle`: "@alice" · "Signed in as @alice", a tap opens the switcher; |
 * |              |                         | `create_button`: "Create" · "Create" -> picker; `tab_home`: "Home" · "Home"; |
 * |              |                         | `tab_profile`: "Profile" · "Profile" -> profile;                        |
 * |              |                         | `feed_item` with `feed_author`: "@bob" and `feed_caption`: exact caption; |
 * |              |                         | after a post `posted_banner`: "Your video was posted", until the next tap that leaves the feed; |
 * |              |                         | while one runs in the background `upload_banner`: "Uploading…" with     |
 * |              |                         | `upload_hint`: "Keep Demo open to finish posting…"                      |
 * | profile      | `profile_screen`        | `profile_handle`: "@alice" · "Switch account", a tap opens the switcher; |
 * |              |                         | `posts_count`: "3 posts"; `post_list` with one `post_item` per post of this |
 * |              |                         | account, newest first: `post_caption`: exact caption, `post_time`: ISO time; |
 * |              |                         | `tab_home`, `create_button`, `tab_profile` as on the feed               |
 * | switcher     | `switcher_sheet`        | `switcher_title`: "Switch account"; one `switcher_entry` per signed-in  |
 * |              |                         | account: "@bob" · "Switch to @bob" (selected="true" on the current one) -> feed of it; |
 * |              |                         | `switcher_close`: "Close" · "Close" -> the screen before                |
 * | picker       | `picker_list`           | `picker_title`: "New video"; `picker_close`: "Cancel" · "Cancel" -> feed; |
 * |              |                         | `picker_item` · "Video clip.mp4, 123456 bytes" for every video of the media store, |
 * |              |                         | newest first, with `picker_name`: "clip.mp4" and `picker_size`: "123456 bytes" -> compose; |
 * |              |                         | none: `picker_empty`: "No videos"                                       |
 * | compose      | `compose_screen`        | `compose_title`: "New post"; `posting_as`: "@alice"; `selected_name`: "clip.mp4"; |
 * |              |                         | `selected_size`: "123456 bytes"; `caption_input` (android.widget.EditText, hint |
 * |              |                         | "Write a caption…"); `post_button`: "Post" · "Post" -> uploading;       |
 * |              |                         | `compose_cancel`: "Cancel" · "Cancel" -> picker (caption is discarded)  |
 * | uploading    | `upload_screen`         | `upload_title`: "Uploading…"; `upload_hint`: "Keep Demo open to finish posting…"; |
 * |              |                         | `upload_progress` (android.widget.ProgressBar): "42 %"; then feed with `posted_banner` |
 * | rejected     | `rejected_screen`       | `rejected_title`: "Your video could not be posted"; `rejected_text`:    |
 * |              |                         | "This file format is not supported."; `rejected_ok`: "OK" -> feed       |
 * | pick failed  | `pick_failed_screen`    | `pick_failed_title`: "Can't open this video"; `pick_failed_ok`: "OK" -> picker |
 * | captcha      | `captcha_screen`        | `trouble_title`: "Confirm you are human"; `trouble_text`: "Drag the slider to fit the puzzle." |
 * | suspended    | `suspended_screen`      | `trouble_title`: "Your account has been suspended"; `trouble_text`: "It does not follow our community guidelines." |
 * | logged out   | `login_screen`          | `trouble_title`: "Log in to Demo"; `trouble_text`: "You have been logged out. Please log in again." |
 * | blocked      | `action_blocked_screen` | `trouble_title`: "Action blocked"; `trouble_text`: "This action was blocked. Please try again later." |
 * | verification | `verification_screen`   | `trouble_title`: "Confirm it's you"; `trouble_text`: "Enter the code we sent to your email." |
 * | popup        | `popup_dialog`          | `popup_title`: "Rate Demo?"; `popup_accept`: "Rate"; `popup_dismiss`: "Not now" · "Not now" -> the screen below |
 *
 * The five trouble screens also show `trouble_account`: "@alice", the account they speak of, and
 * `trouble_switch`: "Switch account" · "Switch account" -> switcher: other accounts stay usable.
 * Back: profile, picker -> feed; switcher -> the screen before; compose -> picker; uploading -> feed
 * (the upload goes on); popup -> dismissed; feed -> launcher. Ending the app (force-stop) ends an
 * upload that runs, unless it is said to go on in the background, and opens it on the feed next time.
 */
export const DEMO_PACKAGE = 'demo.video';

export interface DemoAppOptions {
  readonly accounts: readonly string[];
  /** The account that is in front at the start. */
  readonly signedIn: string;
  readonly files: PhoneFiles;
  readonly ledger: Ledger;
  readonly faults: Faults;
  readonly clock: Clock;
  /** How long an upload takes. */
  readonly uploadMs: number;
}

interface Upload {
  readonly startedMs: number;
  readonly durationMs: number;
  readonly background: boolean;
  /** Aborts when the upload is given up. */
  readonly given: AbortController;
}

export class DemoApp {
  readonly #options: DemoAppOptions;
  #account: string;
  #screen: Screen = 'feed';
  /** Where the switcher and a cancelled step lead back to. */
  #before: Screen = 'feed';
  #video: MediaRow | null = null;
  #caption = '';
  #upload: Upload | null = null;
  #postedBanner = false;
  readonly #uploads = new Set<Promise<void>>();

  constructor(options: DemoAppOptions) {
    this.#options = options;
    this.#account = options.signedIn;
  }

  get account(): string {
    return this.#account;
  }

  /** The name of what is in front: a screen of the table, or the dialog or trouble that covers it. */
  get screen(): string {
    if (this.#options.faults.active('popup')) return 'popup';
    return (this.#screen === 'switcher' ? null : this.#trouble()) ?? this.#screen;
  }

  draw(): UiSpec {
    const { accounts, ledger, files, faults } = this.#options;
    return drawDemo({
      screen: this.#screen,
      account: this.#account,
      accounts,
      posts: ledger.entries(),
      media: files.media(),
      draft: { video: this.#video, caption: this.#caption },
      uploadPercent: this.#uploadPercent(),
      postedBanner: this.#postedBanner,
      popup: faults.active('popup') !== null,
      trouble: this.#trouble(),
    });
  }

  /** A tap on a clickable element of the screen that shows. */
  tap(target: UiSpec): void {
    const name = shortId(target);
    if (name.startsWith('popup_')) {
      this.#dismissPopup();
      return;
    }
    if (name !== 'tab_home') this.#postedBanner = false;
    switch (name) {
      case 'account_handle':
      case 'profile_handle':
      case 'trouble_switch':
        this.#before = this.#screen;
        this.#screen = 'switcher';
        return;
      case 'switcher_entry':
        this.#account = target.text.slice(1);
        this.#discardDraft();
        this.#screen = 'feed';
        return;
      case 'switcher_close':
        this.#screen = this.#before;
        return;
      case 'create_button':
      case 'compose_cancel':
      case 'pick_failed_ok':
        this.#discardDraft();
        this.#screen = 'picker';
        return;
      case 'tab_profile':
        this.#screen = 'profile';
        return;
      case 'tab_home':
      case 'picker_close':
      case 'rejected_ok':
        this.#screen = 'feed';
        return;
      case 'picker_item':
        this.#pick(Number(target.key.split('/')[1]));
        return;
      case 'post_button':
        this.#post();
        return;
    }
  }

  /** @returns false when the field takes no text */
  type(target: UiSpec, text: string, replace: boolean): boolean {
    if (shortId(target) !== 'caption_input') return false;
    this.#caption = replace ? text : this.#caption + text;
    return true;
  }

  /** @returns false when the app leaves the front */
  back(): boolean {
    if (this.#options.faults.active('popup')) {
      this.#dismissPopup();
      return true;
    }
    this.#postedBanner = false;
    const from = this.#screen;
    if (from === 'feed') return false;
    this.#screen = from === 'switcher' ? this.#before : from === 'compose' || from === 'pick_failed' ? 'picker' : 'feed';
    if (from === 'compose') this.#discardDraft();
    return true;
  }

  /** The process ends; the next start shows the feed. */
  end(): void {
    if (this.#upload && !this.#upload.background) this.#giveUp();
    this.#screen = 'feed';
    this.#postedBanner = false;
    this.#discardDraft();
  }

  /** The phone is switched off: no upload survives. Resolves when none is running. */
  async stop(): Promise<void> {
    this.#giveUp();
    await Promise.all(this.#uploads);
  }

  #trouble(): TroubleName | null {
    return TROUBLES.find((name) => this.#options.faults.active(name, this.#account)) ?? null;
  }

  #dismissPopup(): void {
    this.#options.faults.clear('popup');
  }

  #giveUp(): void {
    this.#upload?.given.abort();
    this.#upload = null;
  }

  #discardDraft(): void {
    this.#video = null;
    this.#caption = '';
  }

  #pick(id: number): void {
    const row = this.#options.files.media().find((candidate) => candidate.id === id);
    if (!row || !this.#options.files.exists(row.path)) {
      this.#screen = 'pick_failed';
      return;
    }
    this.#video = row;
    this.#screen = 'compose';
  }

  #uploadPercent(): number | null {
    const upload = this.#upload;
    if (!upload) return null;
    const done = (this.#options.clock.monotonic() - upload.startedMs) / upload.durationMs;
    return Math.min(99, Math.floor(done * 100));
  }

  #post(): void {
    const { faults, clock, uploadMs } = this.#options;
    const video = this.#video;
    if (!video || this.#upload || this.#trouble()) return;
    const slow = faults.take('upload_slow', this.#account);
    const upload: Upload = {
      startedMs: clock.monotonic(),
      durationMs: Math.max(1, slow?.ms ?? uploadMs),
      background: slow?.background ?? false,
      given: new AbortController(),
    };
    this.#upload = upload;
    this.#screen = 'uploading';
    const running = this.#runUpload(upload, { account: this.#account, video, caption: this.#caption });
    this.#discardDraft();
    this.#uploads.add(running);
    void running.finally(() => this.#uploads.delete(running));
  }

  async #runUpload(upload: Upload, post: { readonly account: string; readonly video: MediaRow; readonly caption: string }): Promise<void> {
    const { faults, clock, ledger, files } = this.#options;
    const { signal } = upload.given;
    let arrived = await clock.sleep(upload.durationMs, 'simulated upload', signal);
    while (arrived && faults.active('upload_stuck', post.account)) arrived = await clock.sleep(20, 'simulated stuck upload', signal);
    const lost = arrived && faults.take('upload_lost', post.account) !== null;
    const rejected = arrived && !lost && faults.take('upload_rejected', post.account) !== null;
    const sha256 = arrived && !lost && !rejected ? await files.sha256(post.video.path).catch(() => null) : null;
    // Given up while the bytes were read: the app is gone, nothing may appear any more.
    const posted = sha256 !== null && !signal.aborted;
    if (posted) {
      const bytes = files.stat(post.video.path)?.size ?? 0;
      ledger.append({ account: post.account, sha256, bytes, caption: post.caption, time: isoTime(clock.now()), file: post.video.path });
    }
    // Nobody waits for one that was given up; a later one may show by now.
    if (this.#upload !== upload) return;
    this.#upload = null;
    if (this.#screen === 'uploading') this.#screen = rejected ? 'rejected' : 'feed';
    this.#postedBanner = posted && this.#screen === 'feed';
  }
}
