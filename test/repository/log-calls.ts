/** Every call in the source that writes a line to the log, with its message. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

export interface LogCall {
  readonly location: string;
  readonly level: string;
  /** Undefined where it is no constant. */
  readonly message: string | undefined;
}

const levels = new Set(['info', 'warn', 'error', 'debug']);

/** Logs, as a warning, the message that it is handed when the work fails. */
const attempt = 'attempt';
const folders = '{adapters,core,functions,gateway,webhooks}/**/*.ts';

export const findLogCalls = (root: string): readonly LogCall[] =>
  globSync(folders, { cwd: root }).flatMap((file) => {
    const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.ESNext, true);
    return findCalls(source).map((call) => describe(call, source));
  });

function findCalls(node: ts.Node): ts.CallExpression[] {
  const inner = node.getChildren().flatMap(findCalls);
  return ts.isCallExpression(node) && (isAttempt(node) || (isLog(node.expression) && !isHandedOn(node)))
    ? [node, ...inner]
    : inner;
}

const isAttempt = ({ expression, arguments: given }: ts.CallExpression): boolean =>
  ts.isIdentifier(expression) && expression.text === attempt && given.length > 1;

/** Within `attempt` itself, whose callers say what is logged. */
function isHandedOn({ arguments: given, parent }: ts.CallExpression): boolean {
  const message = given.at(-1);
  for (let node: ts.Node = parent; !ts.isSourceFile(node); node = node.parent) {
    if (!ts.isArrowFunction(node)) continue;
    if (node.parameters.some(({ name }) => name.getText() === message?.getText())) return true;
  }
  return false;
}

/** `log.info`, `ports.log.warn` */
function isLog(called: ts.Expression): boolean {
  if (!ts.isPropertyAccessExpression(called) || !levels.has(called.name.text)) return false;
  const owner = called.expression;
  return (ts.isPropertyAccessExpression(owner) ? owner.name : owner).getText() === 'log';
}

function describe(call: ts.CallExpression, source: ts.SourceFile): LogCall {
  const { line } = source.getLineAndCharacterOfPosition(call.getStart());
  const last = isAttempt(call) ? call.arguments[1] : call.arguments.at(-1);
  return {
    location: `${source.fileName}:${line + 1}`,
    level: ts.isPropertyAccessExpression(call.expression) ? call.expression.name.text : 'warn',
    message: last === undefined ? undefined : readText(last, source),
  };
}

/** Of a text, or of a constant of the file that is one. */
function readText(expression: ts.Expression, source: ts.SourceFile): string | undefined {
  if (ts.isStringLiteral(expression)) return expression.text;
  if (!ts.isIdentifier(expression)) return undefined;
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    const found = statement.declarationList.declarations.find((one) => one.name.getText() === expression.text);
    if (found?.initializer !== undefined) return readText(found.initializer, source);
  }
  return undefined;
}
