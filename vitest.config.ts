import { defineConfig } from 'vitest/config';

// Tests run in any order and in parallel; a failed test is never run again.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    retry: 0,
    coverage: { provider: 'v8', include: ['src/domain/**'], thresholds: { branches: 100 } },
  },
});
