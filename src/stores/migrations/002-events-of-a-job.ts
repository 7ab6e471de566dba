/** What people ask for by job: its events (`--events --job J`), and which jobs are in trouble (`--status`), without reading every row. */
import type { Migration } from '../migrate.ts';

export const eventsOfAJob: Migration = {
  version: 2,
  sql: `
CREATE INDEX events_of_job ON events (job, seq) WHERE job IS NOT NULL;
CREATE INDEX jobs_in_trouble ON jobs (status, seq) WHERE status IN ('retrying', 'failed');
`,
};
