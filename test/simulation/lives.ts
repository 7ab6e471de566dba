/** Runs one life after the other, and stops at the first that goes wrong. */
import { Life, type LifeResult } from './life.ts';

export interface Batch {
  readonly first: number;
  readonly count: number;
  /** Kinds of violations that do not count: for mutants that lack two layers. */
  readonly ignore?: readonly string[];
}

export interface BatchResult {
  readonly lives: number;
  readonly posts: number;
  readonly jobs: number;
  readonly starts: number;
  readonly failed: LifeResult | null;
}

export async function runLives({ first, count, ignore = [] }: Batch, trace: ((line: string) => void) | null = null): Promise<BatchResult> {
  let current: Life | null = null;
  const unhandled = (reason: unknown) =>
    current?.report('unhandled', reason instanceof Error ? (reason.stack ?? reason.message) : String(reason));
  process.on('unhandledRejection', unhandled);
  const sum = { lives: 0, posts: 0, jobs: 0, starts: 0 };
  try {
    for (let seed = first; seed < first + count; seed += 1) {
      current = new Life(seed, trace, ignore);
      const result = await current.run();
      sum.lives += 1;
      sum.posts += result.posts;
      sum.jobs += result.jobs;
      sum.starts += result.starts;
      if (result.violation !== null) return { ...sum, failed: result };
    }
    return { ...sum, failed: null };
  } finally {
    process.off('unhandledRejection', unhandled);
  }
}
