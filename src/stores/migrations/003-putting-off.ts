/** A job's own retry policy, since when it is put off, and the jobs with a wish of their own (`too_late`), without reading every row. */
import type { Migration } from '../migrate.ts';

export const puttingOff: Migration = {
  version: 3,
  sql: `
ALTER TABLE jobs ADD COLUMN retry TEXT;
ALTER TABLE jobs ADD COLUMN deferred_since_ms INTEGER;
CREATE INDEX jobs_by_wish ON jobs (publish_at_ms) WHERE publish_at_ms IS NOT NULL AND status IN ('pending', 'retrying');
CREATE INDEX jobs_put_off ON jobs (deferred_since_ms) WHERE deferred_since_ms IS NOT NULL AND status IN ('pending', 'retrying');
`,
};
