/**
 * Guards promises 1 and 8 at the door: a flow that could tap the posting button
 * twice, pick "the first" video or take a caption for a screen does not load.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { flowsIn, loadFlow, parseFlow } from '../../src/flows/load-flow.ts';
import { parseYaml } from '../../src/runtime/yaml-text.ts';
import { FLOWS } from './rig.ts';

const DEMO = readFileSync(join(FLOWS, 'demo.yaml'), 'utf8');

/** The message for the demo flow with one place changed; the place must exist. */
function refusal(from: string, to: string): string {
  expect(DEMO).toContain(from);
  try {
    parseFlow(DEMO.replace(from, to), 'demo.yaml');
  } catch (error) {
    expect(error).toMatchObject({ code: 'BAD_FLOW', category: 'configuration' });
    return (error as Error).message;
  }
  throw new Error('the flow was accepted');
}

describe('the demo flow', () => {
  it('loads', () => {
    const flow = loadFlow('demo', [FLOWS]);
    expect(flow.steps.filter(({ commit }) => commit).map(({ name }) => name)).toEqual(['post']);
    expect(flow.steps.every(({ limitMs }) => limitMs > 0)).toBe(true);
  });
});

describe('a refused flow says where and why', () => {
  const cases: readonly (readonly [what: string, from: string, to: string, message: RegExp])[] = [
    ['no YAML', 'app: demo', 'app: [demo', /^demo\.yaml:\d+:\d+: /],
    ['an unknown key', 'tested_with:', 'testd_with:', /^demo\.yaml:6:1: unknown key "testd_with"/],
    [
      'an unknown key in a step',
      'tap: post_button, commit: true',
      'tap: post_button, comit: true',
      /^demo\.yaml:\d+:\d+: unknown key "comit"/,
    ],
    ['no commit step', 'commit: true, ', '', /exactly one step must have `commit: true`, here 0 have/],
    ['two commit steps', 'tap: create, limit', 'tap: create, commit: true, limit', /here 2 have/],
    ['a step without a limit', 'commit: true, limit: 20s', 'commit: true', /"limit" is missing/],
    ['a limit of nothing', 'commit: true, limit: 20s', 'commit: true, limit: 0s', /must be a duration/],
    ['a step with two actions', '{ screen: picker, back: true', '{ screen: picker, tap: create, back: true', /exactly one of: tap/],
    ['an element that is not there', 'tap: tab_profile', 'tap: tab_profil', /there is no element "tab_profil"/],
    ['a screen that is not there', '{ screen: feed, tap', '{ screen: fed, tap', /there is no screen "fed"/],
    ['an inherited name as an element', 'tap: tab_profile', 'tap: constructor', /there is no element "constructor"/],
    ['a screen that is everything', 'feed: { has: [feed] }', 'feed: { has: [] }', /needs "has"/],
    ['a video chosen by place', 'text: "{video}"', 'text: first', /must have \{video\}/],
    ['an account chosen by place', 'text: "@{account}"', 'text: "@bob"', /must have \{account\}/],
    ['a popup dismissed by the posting button', 'dismiss: popup_dismiss', 'dismiss: post_button', /may be the button that posts/],
    ['a popup dismissed by its id', '[{ id: popup_dismiss }', '[{ id: post_button, desc: Not now }', /may be the button that posts/],
    ['an earlier step that taps it', 'tap: create,', 'tap: post_button,', /belongs to the commit step alone/],
    ['a way to the profile over it', 'tap: tab_profile', 'tap: post_button', /may be the button that posts/],
    [
      'an account screen known by a text',
      'captcha: [{ id: captcha_screen }]',
      'captcha: [{ text: Confirm you are human }]',
      /could stand in a caption/,
    ],
    [
      'no outcome that means published',
      'means: published, account: feed_handle, caption: feed_caption',
      'means: uploading',
      /published is missing/,
    ],
    ['an unknown meaning', 'means: uploading }', 'means: uploadin }', /"means" must be one of/],
    ['an account screen without a type', 'type: captcha, ', '', /needs a "type"/],
    ['XPath', 'create: [{ id: create_button }', 'create: [{ xpath: "//*[1]" }', /unknown key "xpath"/],
  ];
  it.each(cases)('%s', (_what, from, to, message) => {
    const text = refusal(from, to);
    expect(text).toMatch(message);
    expect(text).toMatch(/^demo\.yaml:\d+:\d+: /);
  });

  it('a label that the posting button has too', () => {
    const labelled = DEMO.replace('post_button: [{ id: post_button }]', 'post_button: [{ id: post_button }, { desc: Post }]');
    parseFlow(labelled, 'demo.yaml');
    expect(() => parseFlow(labelled.replace('{ desc: Not now }', '{ text: post }'), 'demo.yaml')).toThrow(/may be the button that posts/);
  });
});

describe('the folder of flows', () => {
  const home = mkdtempSync(join(tmpdir(), 'flows-'));
  afterAll(() => rmSync(home, { recursive: true }));

  it('prefers the first folder, reads each flow once and knows what it has not', () => {
    writeFileSync(join(home, 'demo.yaml'), DEMO.replace('tested_with: ["1.0"]', 'tested_with: ["2.0"]'));
    const flows = flowsIn([home, FLOWS]);
    expect(flows('demo').testedWith).toEqual(['2.0']);
    expect(flows('demo')).toBe(flows('demo'));
    expect(() => flows('tiktok')).toThrow('there is no flow for app "tiktok"');
    expect(() => flows('../demo')).toThrow('there is no flow for app "../demo"');
  });

  it('refuses a file that calls itself otherwise', () => {
    writeFileSync(join(home, 'other.yaml'), DEMO);
    expect(() => loadFlow('other', [home])).toThrow(/"app" must be other/);
  });
});

describe('flow.schema.json, for editors', () => {
  const schema = JSON.parse(readFileSync(join(FLOWS, 'flow.schema.json'), 'utf8')) as Schema;
  const demo = parseYaml(DEMO, 'demo.yaml').value;

  it('accepts the demo flow', () => {
    expect(problems(schema, demo, schema, 'flow')).toEqual([]);
  });

  it('requires what the loader requires, and nothing else', () => {
    for (const { path, remove, required } of removals(schema, demo)) {
      let refused: string | null = null;
      try {
        parseFlow(JSON.stringify(remove()), 'demo.yaml'); // JSON is YAML
      } catch (error) {
        refused = (error as Error).message;
      }
      if (required) expect(refused, `${path} is required by the schema`).not.toBeNull();
      else
        expect(refused, `${path} is optional by the schema`).toSatisfy(
          (text) => text === null || !/is missing|must be one/.test(String(text)),
        );
    }
  });
});

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | false;
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly $defs?: Readonly<Record<string, Schema>>;
}

function resolved(schema: Schema, root: Schema): Schema {
  return schema.$ref === undefined ? schema : (root.$defs?.[schema.$ref.replace('#/$defs/', '')] ?? {});
}

/** The part of JSON Schema that this schema uses. */
function problems(of: Schema, value: unknown, root: Schema, path: string): string[] {
  const schema = resolved(of, root);
  if (schema.enum !== undefined && !schema.enum.includes(value)) return [`${path}: not one of ${schema.enum.join()}`];
  if (schema.type === 'array')
    return Array.isArray(value)
      ? value.flatMap((item, at) => problems(schema.items ?? {}, item, root, `${path}[${at}]`))
      : [`${path}: no list`];
  if (schema.type !== 'object') return [];
  const fields = value as Record<string, unknown>;
  const missing = (schema.required ?? []).filter((key) => !(key in fields)).map((key) => `${path}: ${key} is missing`);
  const inside = Object.entries(fields).flatMap(([key, field]) => {
    const known = schema.properties?.[key] ?? schema.additionalProperties;
    return known ? problems(known, field, root, `${path}.${key}`) : [`${path}: unknown ${key}`];
  });
  return [...missing, ...inside];
}

/** Each key of the top level and of its fixed mappings, taken away by itself. */
function removals(schema: Schema, demo: unknown): { path: string; required: boolean; remove: () => unknown }[] {
  const levels: string[][] = [[], ['identify'], ['identify', 'switch'], ['check'], ['verify'], ['verify', 'via'], ['confirm']];
  return levels.flatMap((path) => {
    const level = path.reduce<Schema>((at, key) => at.properties?.[key] ?? {}, schema);
    return Object.keys(level.properties ?? {}).map((key) => ({
      path: [...path, key].join('.'),
      required: level.required?.includes(key) ?? false,
      remove: () => {
        const copy = structuredClone(demo) as Record<string, unknown>;
        const parent = path.reduce((at, name) => at[name] as Record<string, unknown>, copy);
        expect(parent).toHaveProperty(key);
        delete parent[key];
        return copy;
      },
    }));
  });
}
