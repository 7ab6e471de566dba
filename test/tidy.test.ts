/**
 * Tidy: the rules of docs/architecture.md and CONTRIBUTING.md as tests. Each
 * rule is a pure function in test/tidy/ and has a test there that shows that it
 * can fail. It guards all promises a little: what it forbids is how they rot.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CATALOGUE } from '../src/errors.ts';
import { errorsPageFindings } from './tidy/errors-doc.ts';
import { callsHaveOneHome, testsAreHonest } from './tidy/homes.ts';
import { domainIsPure, importsFollowTheLayers, packagesHaveOneHome } from './tidy/layers.ts';
import { namedPagesExist } from './tidy/pages.ts';
import * as shape from './tidy/shape.ts';
import { readTree } from './tidy/source-file.ts';
import { filesHoldNoForeignWords } from './tidy/words.ts';

const root = join(import.meta.dirname, '..');
const files = readTree(root);

describe('the tree is tidy', () => {
  it('reads the tree at all', () => {
    expect(files.map(({ path }) => path)).toEqual(expect.arrayContaining(['package.json', 'src/errors.ts', 'test/tidy.test.ts']));
  });

  it.each([
    ['imports follow the layers', importsFollowTheLayers],
    ['domain/ is pure', domainIsPure],
    ['each package has one home', packagesHaveOneHome],
    ['time, randomness, environment and exit have one home', callsHaveOneHome],
    ['tests are honest', testsAreHonest],
    ['files open with their purpose', shape.filesOpenWithTheirPurpose],
    ['files are short', shape.filesAreShort],
    ['functions are short', shape.functionsAreShort],
    ['names say what is meant', shape.namesSayWhatIsMeant],
    ['exports are named', shape.exportsAreNamed],
    ['the reading path is short', shape.readingPathIsShort],
    ['named pages exist', namedPagesExist],
    ['files hold no foreign words', filesHoldNoForeignWords],
  ])('%s', (_name, rule) => {
    expect(rule(files)).toEqual([]);
  });

  it('docs/errors.md and the catalogue say the same', () => {
    expect(errorsPageFindings(CATALOGUE, readFileSync(join(root, 'docs', 'errors.md'), 'utf8'))).toEqual([]);
  });
});
