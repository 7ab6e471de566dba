/** Guards "one clear message for every bad input": whatever is wrong in a YAML file is named with its line and column. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseYaml, YamlProblem } from '../../src/runtime/yaml-text.ts';

function problem(text: string): YamlProblem {
  try {
    parseYaml(text, 'f.yaml');
  } catch (error) {
    if (error instanceof YamlProblem) return error;
  }
  throw new Error('it was accepted');
}

describe('parseYaml', () => {
  it('says the line and column of a syntax error, of a repeated key, and of an alias that is nowhere', () => {
    expect(problem('a: 1\nb: [1, 2\nc: 3\n').where).toMatch(/^f\.yaml:3:/);
    expect(problem('a: 1\nb: 2\na: 3\n')).toMatchObject({ where: 'f.yaml:3:1', what: 'Map keys must be unique' });
    expect(problem('a: *nobody\n').message).toContain('nobody');
  });

  it('refuses aliases that multiply beyond reason', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let n = 1; n < 8; n += 1)
      lines.push(
        `a${n}: &a${n} [${Array(10)
          .fill(`*a${n - 1}`)
          .join(', ')}]`,
      );
    expect(problem(lines.join('\n')).message).toContain('f.yaml');
  });

  it('knows the place of a key, of a list item, and of the nearest parent of what is not there', () => {
    const yaml = parseYaml('accounts:\n  - name: a\n    posts: 3\n  - name: b\n', 'f.yaml');
    expect(yaml.where(['accounts', 0, 'posts'])).toBe('f.yaml:3:5');
    expect(yaml.where(['accounts', 1])).toBe('f.yaml:4:5');
    expect(yaml.where(['accounts', 1, 'posts'])).toBe('f.yaml:4:5');
    expect(yaml.where(['nothing', 'at', 'all'])).toBe('f.yaml:1:1');
  });

  it('reads YAML 1.2: words that look like booleans and times stay texts', () => {
    expect(parseYaml('a: no\nb: on\nc: 08:30\nd: off\n', 'f').value).toEqual({ a: 'no', b: 'on', c: '08:30', d: 'off' });
    expect(parseYaml('', 'f').value).toBeNull();
    expect(parseYaml('', 'f').where(['a'])).toBe('f');
  });

  it('never answers a text with anything but a value or a YamlProblem', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        try {
          parseYaml(text, 'f.yaml').where(['a', 0, 'b']);
        } catch (error) {
          expect(error).toBeInstanceOf(YamlProblem);
        }
      }),
    );
  });
});
