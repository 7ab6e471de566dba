/** Writes docs/configuration.md from the schema in src/config-schema.ts and the example beside the page. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileAsJsonSchema } from '../src/config-schema.ts';
import { configurationPage } from './configuration-page.ts';

const docs = join(import.meta.dirname, '..', 'docs');
const example = readFileSync(join(docs, 'scheduler.example.yaml'), 'utf8');
writeFileSync(join(docs, 'configuration.md'), configurationPage(fileAsJsonSchema(), example));
