/**
 * Conditions of a retry policy: one Jinja expression over the facts of a failed
 * attempt, `{{ error != None and attempt < 3 }}`. The one home of
 * @huggingface/jinja, which interprets expressions and never executes code.
 *
 * All that can be wrong is found when the settings are read: statements, text
 * around the expression, unknown names, functions, operands that do not fit.
 */
import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import { CONDITION_FACTS, type ConditionFacts } from '../domain/retry.ts';

/** A node of the parsed expression; the package's own types do not resolve here. */
type Expression = object;

/** What is wrong with a condition, as the end of a sentence that begins with its name. */
export class ConditionProblem extends Error {}

const CONSTANTS = { true: true, True: true, false: false, False: false, none: null, None: null };
const NAMES: readonly string[] = [...CONDITION_FACTS, ...Object.keys(CONSTANTS)];

/** Facts of the kinds that will be met, to try a new condition on. */
const SAMPLE: ConditionFacts = {
  error: 'adb push timed out',
  category: 'infrastructure',
  type: 'adb_timeout',
  attempt: 1,
  max_attempts: 3,
  phase: 'push',
};

const compiled = new Map<string, Expression>();

/** @throws ConditionProblem unless the text is one expression that can be asked */
export function checkCondition(text: string): void {
  const expression = compile(text);
  try {
    ask(expression, SAMPLE);
  } catch (error) {
    throw new ConditionProblem(`cannot be asked: ${messageOf(error)}`);
  }
}

/**
 * Whether the condition holds. One that cannot be asked of these facts does not: then the limits decide alone
 * for `stop_when`, and nothing is tried again for `retry_when`.
 */
export function holds(text: string, facts: ConditionFacts): boolean {
  try {
    return ask(compile(text), facts);
  } catch {
    return false;
  }
}

function compile(text: string): Expression {
  const known = compiled.get(text);
  if (known !== undefined) return known;
  const expression = onlyExpression(text);
  checkNames(expression);
  compiled.set(text, expression);
  return expression;
}

function onlyExpression(text: string): Expression {
  const trimmed = text.trim();
  if (!trimmed.startsWith('{{') || !trimmed.endsWith('}}')) {
    throw new ConditionProblem('must be one expression in double braces, such as "{{ error != None }}"');
  }
  const tokens = tokensOf(trimmed);
  const count = (type: string) => tokens.filter((token: { readonly type: string }) => token.type === type).length;
  if (count('OpenStatement') > 0) throw new ConditionProblem('must be one expression; statements ({% … %}) are not understood');
  if (count('OpenExpression') !== 1) throw new ConditionProblem('must be one expression; it holds several {{ }}');
  try {
    const { body } = parse(tokens);
    if (body.length === 1) return body[0] as Expression;
  } catch (error) {
    throw new ConditionProblem(`is no expression: ${messageOf(error)}`);
  }
  throw new ConditionProblem('must be one expression and nothing else');
}

function tokensOf(text: string): ReturnType<typeof tokenize> {
  try {
    return tokenize(text);
  } catch (error) {
    throw new ConditionProblem(`is no expression: ${messageOf(error)}`);
  }
}

/** Jinja takes an unknown name for "undefined" and goes on; here it is a slip of the pen. */
function checkNames(node: unknown): void {
  if (node instanceof Map) {
    for (const entry of node) for (const part of entry) checkNames(part);
  } else if (Array.isArray(node)) {
    for (const part of node) checkNames(part);
  } else if (typeof node === 'object' && node !== null && 'type' in node) {
    checkNames(namedIn(node as Parts));
  }
}

type Parts = Readonly<Record<string, unknown>>;

/** The parts of a node in which names stand for facts: not attributes, filters, tests and operators. */
function namedIn(node: Parts): readonly unknown[] {
  switch (node.type) {
    case 'Identifier':
      if (NAMES.includes(String(node.value))) return [];
      throw new ConditionProblem(`asks for "${node.value}"; there are ${CONDITION_FACTS.join(', ')}`);
    case 'CallExpression':
      if ((node.callee as Parts).type === 'Identifier') throw new ConditionProblem('calls a function; there are none');
      return [node.callee, node.args];
    case 'MemberExpression':
      return node.computed === true ? [node.object, node.property] : [node.object];
    case 'FilterExpression':
      return [node.operand, (node.filter as Parts).args];
    case 'TestExpression':
      return [node.operand];
    case 'KeywordArgumentExpression':
      return [node.value];
    default:
      return Object.entries(node).map(([key, part]) => (key === 'operator' ? null : part));
  }
}

function ask(expression: Expression, facts: ConditionFacts): boolean {
  const environment = new Environment();
  for (const [name, value] of Object.entries({ ...CONSTANTS, ...facts })) environment.set(name, value);
  return new Interpreter(environment).evaluate(expression, environment).__bool__().value;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
