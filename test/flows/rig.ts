/** One run of the demo flow on a pretend phone, in virtual time. */
import { join } from 'node:path';
import type { Flow, FlowRun } from '../../src/flows/flow.ts';
import { flowEngine } from '../../src/flows/flow-engine.ts';
import { loadFlow } from '../../src/flows/load-flow.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { FakeUi } from './fake-ui.ts';

export const FLOWS = join(import.meta.dirname, '../../flows');
export const OURS = 'post-j1-1-abc.mp4';

export interface Rig {
  readonly ui: FakeUi;
  readonly clock: VirtualClock;
  readonly flow: Flow;
  readonly phases: string[];
  readonly run: FlowRun;
  readonly abort: AbortController;
  /** How often commit() was called. */
  commits: number;
  /** What commit() does. */
  onCommit: () => void | Promise<void>;
  /** Publishes; the thrown error, or null when it was confirmed. */
  publish(): Promise<(Error & { code?: string; proofOfAbsence?: boolean; details?: Record<string, unknown> }) | null>;
  look(committedMs: number | null): Promise<string>;
}

export function rig(change: Partial<Pick<FlowRun, 'account' | 'caption'>> & { readonly flow?: Flow } = {}): Rig {
  const ui = new FakeUi();
  const clock = new VirtualClock();
  const abort = new AbortController();
  ui.media = [OURS, 'holiday.mp4'];
  ui.nowIso = () => new Date(clock.now()).toISOString();
  const flow = change.flow ?? loadFlow('demo', [FLOWS]);
  const run: FlowRun = {
    ui,
    flow,
    account: change.account ?? 'alice',
    video: OURS,
    caption: change.caption ?? 'Grüße 👋\n日本',
    clock,
    signal: abort.signal,
    log: { info: () => undefined },
  };
  const it: Rig = {
    ui,
    clock,
    flow,
    run,
    abort,
    phases: [],
    commits: 0,
    onCommit: () => undefined,
    publish: async () => {
      const work = flowEngine.publish(run, {
        phase: (name) => it.phases.push(name),
        commit: async () => {
          it.commits += 1;
          await it.onCommit();
        },
      });
      return clock.run(work).then(
        () => null,
        (error: Error) => error,
      );
    },
    look: (committedMs) => clock.run(flowEngine.look(run, committedMs)),
  };
  return it;
}
