import { defineConfig } from 'vitest/config';

// Tests run in any order and in parallel; a failed test is never run again.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    retry: 0,
    // The real-chain tests mostly wait: on two cores three at a time took 82 s, one at a time 168 s.
    maxWorkers: 3,
    // Only with --coverage, as `npm test` does: every branch of the rules, and of nothing else, has to be taken.
    coverage: {
      provider: 'v8',
      include: ['src/domain/**'],
      thresholds: { branches: 100 },
      reporter: [['text', { skipFull: true }]],
    },
  },
});
