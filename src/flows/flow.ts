/**
 * A flow says what to do in an app, as data: screens rather than a script.
 *
 * The engine recognises the screen it sees and does that screen's action, until
 * the commit step is reached. `load-flow.ts` reads and checks flows/APP.yaml,
 * `run-flow.ts` runs it. Elements are named once and referred to by name.
 * No coordinates, ever, and nothing here knows a phone.
 */
import type { Ui } from '../appium/appium.ts';
import type { FailureCategory } from '../domain/failure.ts';
import type { Verdict } from '../domain/job.ts';
import type { Clock } from '../runtime/clock.ts';

/**
 * One way to know an element: all conditions hold on one visible node. `text` and `desc` are exact
 * and may contain `{account}` and `{video}`. No XPath: the same selector must be decidable on a page
 * source that was read before, or a look would cost one request per element.
 */
export interface FlowSelector {
  /** Resource id; without `package:id/` it is the app's own. */
  readonly id?: string;
  /** Accessibility id (content-desc). */
  readonly desc?: string;
  /** Exact visible text. */
  readonly text?: string;
}

export type FlowAction =
  | { readonly do: 'tap'; readonly element: string }
  | { readonly do: 'type'; readonly element: string; readonly value: 'caption' }
  /** Picks, among several, the video that this job pushed; never "the first": the element names `{video}`. */
  | { readonly do: 'pick_video'; readonly element: string }
  | { readonly do: 'back' };

/** One step: while its screen shows, its action is what to do. */
export interface FlowStep {
  readonly name: string;
  /** The screen on which this step is done. */
  readonly screen: string;
  readonly action: FlowAction;
  /** The one irreversible tap. Exactly one step of a flow has it. */
  readonly commit: boolean;
  /** True when the app does not always show this screen: the step is passed over when the next one's screen shows. */
  readonly optional: boolean;
  readonly limitMs: number;
}

/** A screen is recognised when all elements of `has` and none of `not` are on it. */
export interface FlowScreen {
  readonly name: string;
  readonly has: readonly string[];
  readonly not: readonly string[];
}

/** What an account- or content-screen means; looked for before every step and after the commit. */
export interface FlowOutcome {
  readonly screen: string;
  readonly means: 'published' | 'uploading' | 'rejected' | 'account';
  readonly category: FailureCategory | null;
  readonly type: string | null;
  /** The element whose text is what the app says, for the message to people. */
  readonly says: string | null;
  /** The element that shows whom it is about. Another one's trouble is not ours, another one's success neither. */
  readonly account: string | null;
  /** `published` only: an element of which one must show exactly our caption. */
  readonly caption: string | null;
  /** `account` only: when it is about somebody else, this element leads away from it. */
  readonly leave: string | null;
}

/** A dialog in the way: recognised, and the one element that dismisses it. Never a Post or Share button. */
export interface FlowPopup {
  readonly name: string;
  readonly screen: string;
  readonly dismiss: string;
}

export interface Flow {
  readonly app: string;
  readonly package: string;
  /** Versions it was tried with, for people. */
  readonly testedWith: readonly string[];
  /** Named elements, each with its selectors in the order in which they are tried. */
  readonly elements: Readonly<Record<string, readonly FlowSelector[]>>;
  readonly screens: readonly FlowScreen[];
  readonly popups: readonly FlowPopup[];
  /** How to read who is signed in and how to switch. */
  readonly identify: {
    readonly screen: string;
    /** The element whose text is the handle, with or without a leading `@`. */
    readonly handle: string;
    /** What leads from anywhere to `screen`: whichever of these screens shows, its action is done. */
    readonly open: readonly FlowStep[];
    /** null when the app has one account only. `entry` names `{account}`. */
    readonly switch: { readonly tap: string; readonly screen: string; readonly entry: string } | null;
    readonly limitMs: number;
  };
  /** In this order, from the identify screen to the commit. */
  readonly steps: readonly FlowStep[];
  /** What one look at the commit step's screen must show; `account` and `video` are null when the app shows them nowhere. */
  readonly check: { readonly account: string | null; readonly video: string | null; readonly caption: string };
  readonly outcomes: readonly FlowOutcome[];
  /** How to look, read-only, for a post on the profile (the identify screen); null = every look is `unknown`. */
  readonly verify: {
    /** From the profile away to the screen on which a running upload would show, and back: a list that was read before is old. */
    readonly via: { readonly tap: string; readonly screen: string };
    /** One per post, its text is the caption. */
    readonly captions: string;
    /** One per post, its text is an ISO time. */
    readonly times: string;
    /** Its text starts with the number of all posts: proof that the list is whole. */
    readonly count: string;
  } | null;
  readonly confirm: {
    /** Positive confirmation is awaited for at most this long. */
    readonly limitMs: number;
    /** ... and for at most this long while nothing says that an upload is running. */
    readonly quietMs: number;
  };
}

/** What a run needs, and whom and what it is for. */
export interface FlowRun {
  readonly ui: Ui;
  readonly flow: Flow;
  /** The account's name, with or without a leading `@`. */
  readonly account: string;
  /** Name of the pushed file, unique to the attempt; '' when nothing is posted. */
  readonly video: string;
  readonly caption: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly log: { info(message: string, fields?: Readonly<Record<string, unknown>>): void };
  /** Told of every page source that was read: the last one is evidence. */
  readonly looked?: (source: string) => void;
}

/** What the attempt wants to know, and the right to act. */
export interface FlowHooks {
  phase(name: 'identify' | 'compose' | 'commit' | 'confirm'): void;
  /** Resolves only if the irreversible tap may happen; called exactly once. */
  commit(): Promise<void>;
}

/** Runs flows. One run at a time on a phone. */
export interface FlowEngine {
  /**
   * Posts. Resolves when the app confirmed it.
   *
   * Before hooks.commit(): @throws SchedulerError ACCOUNT_SCREEN, OTHER_ACCOUNT_SCREEN, WRONG_ACCOUNT, WRONG_VIDEO, VIDEO_NOT_LISTED,
   * CAPTION_CHANGED, REJECTED, UNKNOWN_SCREEN, and what `Ui` throws; nothing was posted then.
   * After it: NOT_CONFIRMED, ACCOUNT_SCREEN, REJECTED, UI_FAILED; nobody knows then, unless the error has `proofOfAbsence: true`.
   */
  publish(run: FlowRun, hooks: FlowHooks): Promise<void>;
  /**
   * Opens the account's profile and reads it once, without changing anything but who is signed in.
   *
   * @param committedMs instant of the commit point, epoch milliseconds; null when the caller does not know it
   * @throws SchedulerError ACCOUNT_SCREEN, WRONG_ACCOUNT, UNKNOWN_SCREEN and what `Ui` throws
   */
  look(run: FlowRun, committedMs: number | null): Promise<Verdict | 'unknown'>;
}
