/** Writes docs/errors.md from the catalogue in src/errors.ts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CATALOGUE } from '../src/errors.ts';
import { errorsPage } from './errors-page.ts';

writeFileSync(join(import.meta.dirname, '..', 'docs', 'errors.md'), errorsPage(CATALOGUE));
