/**
 * The engine behind the face: publishing is run-flow.ts, looking is
 * look-for-post.ts. It keeps nothing between two runs.
 */
import type { FlowEngine } from './flow.ts';
import { lookForPost } from './look-for-post.ts';
import { runFlow } from './run-flow.ts';

export const flowEngine: FlowEngine = { publish: runFlow, look: lookForPost };
