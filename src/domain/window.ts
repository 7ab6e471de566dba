/** Placeholder, replaced by the implementation: hours in which an account may post. */
export interface Window {
  /** ISO weekdays on which the window starts, 1 = Monday … 7 = Sunday. */
  readonly days: readonly number[];
  /** Minutes after local midnight, 0..1439. */
  readonly fromMinute: number;
  /** Minutes after local midnight, 1..1440; not after `fromMinute` when the window crosses midnight. */
  readonly toMinute: number;
}
