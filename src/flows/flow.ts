/**
 * A flow says what to do in an app, as data: screens rather than a script.
 *
 * The engine recognises the screen it sees and does that screen's action, until
 * the screen of the commit step is reached. Loaded from flows/APP.yaml and
 * checked on load; `run-flow.ts` runs it. No coordinates, ever.
 */
import type { Selector } from '../appium/appium.ts';
import type { FailureCategory } from '../domain/failure.ts';

export type FlowAction =
  | { readonly do: 'tap'; readonly element: string }
  | { readonly do: 'type'; readonly element: string; readonly value: 'caption' }
  /** Picks, among several, the video that this job pushed; never "the first". */
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
  readonly limitMs: number;
}

/** A screen is recognised when all of `has` and none of `not` are on it. */
export interface FlowScreen {
  readonly name: string;
  readonly has: readonly (readonly Selector[])[];
  readonly not: readonly (readonly Selector[])[];
}

/** What an account- or content-screen means; looked for before every step and after the commit. */
export interface FlowOutcome {
  readonly screen: string;
  readonly means: 'published' | 'uploading' | 'rejected' | 'account';
  readonly category: FailureCategory | null;
  readonly type: string | null;
}

export interface Flow {
  readonly app: string;
  readonly package: string;
  /** Versions it was tried with, for people. */
  readonly testedWith: readonly string[];
  /** Named elements, each with its selectors in the order in which they are tried. */
  readonly elements: Readonly<Record<string, readonly Selector[]>>;
  readonly screens: readonly FlowScreen[];
  /** Dialogs in the way: recognised, and the one element that dismisses them. Never a Post or Share button. */
  readonly popups: readonly { readonly name: string; readonly screen: string; readonly dismiss: string }[];
  /** How to read who is signed in and how to switch. */
  readonly identify: {
    readonly screen: string;
    readonly handle: string;
    /** Steps that lead from anywhere to the screen on which the handle is visible. */
    readonly open: readonly FlowStep[];
    readonly switcher: string;
    /** Selector with `{account}` in it. */
    readonly entry: string;
  };
  readonly steps: readonly FlowStep[];
  readonly outcomes: readonly FlowOutcome[];
  /** How to look, read-only, for a post on the profile. */
  readonly verify: { readonly open: readonly FlowStep[]; readonly captions: string } | null;
  readonly confirmLimitMs: number;
}
