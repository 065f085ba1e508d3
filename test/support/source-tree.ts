/**
 * Source files as facts: what a file imports, which globals it names, what it exports by default, how it opens.
 * It parses with the TypeScript compiler, so strings and comments that look like imports are none. It judges
 * nothing; `architecture-rules.ts` does.
 */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/** Text of files by path (`src/base/errors.ts`), as read from the disk or written down in a test. */
export type FileTexts = Readonly<Record<string, string>>;

export interface ImportFact {
  /** As written: `./paths.js`, `node:path`, `yargs`. */
  readonly specifier: string;
  readonly line: number;
  /** The file in the tree that a relative specifier stands for; undefined for packages and for files not there. */
  readonly target: string | undefined;
}

export interface NamedLine {
  readonly name: string;
  readonly line: number;
}

export interface SourceFacts {
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly ImportFact[];
  /** Every identifier that is not the name of a property: a superset of the globals that the file uses. */
  readonly names: readonly NamedLine[];
  readonly defaultExportLines: readonly number[];
  /** Lines of `export * from`. */
  readonly starExportLines: readonly number[];
  /** The prose of the comment that the file opens with; empty when it opens with code. */
  readonly openingComment: string;
}

export type SourceTree = ReadonlyMap<string, SourceFacts>;

/** Reads the texts of all files below `folder` of the project that end in one of `extensions`. */
export function readTexts(project: string, folder: string, extensions: readonly string[]): FileTexts {
  const names = readdirSync(path.join(project, folder), { recursive: true, encoding: 'utf8' });
  const files = names
    .map((name) => `${folder}/${name.split(path.sep).join('/')}`)
    .filter((file) => extensions.some((extension) => file.endsWith(extension)));
  return Object.fromEntries(files.sort().map((file) => [file, readFileSync(path.join(project, file), 'utf8')]));
}

export function parseTree(texts: FileTexts): SourceTree {
  const paths = new Set(Object.keys(texts));
  return new Map(Object.entries(texts).map(([file, text]) => [file, parseFile(file, text, paths)]));
}

function parseFile(file: string, text: string, paths: ReadonlySet<string>): SourceFacts {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const imports: ImportFact[] = [];
  const names: NamedLine[] = [];
  const defaultExportLines: number[] = [];
  const starExportLines: number[] = [];
  const lineOf = (node: ts.Node): number => source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
  const visit = (node: ts.Node): void => {
    const specifier = specifierOf(node);
    if (specifier !== undefined) {
      imports.push({ specifier, line: lineOf(node), target: resolve(file, specifier, paths) });
    }
    if (isDefaultExport(node)) defaultExportLines.push(lineOf(node));
    if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && node.exportClause === undefined) {
      starExportLines.push(lineOf(node));
    }
    if (ts.isIdentifier(node) && !isPropertyName(node)) names.push({ name: node.text, line: lineOf(node) });
    ts.forEachChild(node, visit);
  };
  visit(source);
  const lines = text.replace(/\n$/, '').split('\n').length;
  const openingComment = openingCommentOf(text);
  return { path: file, lines, imports, names, defaultExportLines, starExportLines, openingComment };
}

/** The module that a node brings in, in any of the ways that TypeScript and Node know. */
function specifierOf(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return stringOf(node.moduleSpecifier);
  if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
    return stringOf(node.moduleReference.expression);
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return stringOf(node.argument.literal);
  if (ts.isCallExpression(node) && isImportCall(node)) return stringOf(node.arguments[0]);
  if (ts.isNewExpression(node) && isUrlOfThisModule(node)) return stringOf(node.arguments?.[0]);
  return undefined;
}

function isImportCall(node: ts.CallExpression): boolean {
  const callee = node.expression;
  return callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require');
}

/** `new URL('./worker.js', import.meta.url)`: how a worker thread's file is named. */
function isUrlOfThisModule(node: ts.NewExpression): boolean {
  const [, base] = node.arguments ?? [];
  return ts.isIdentifier(node.expression) && node.expression.text === 'URL' && base?.getText() === 'import.meta.url';
}

function stringOf(node: ts.Node | undefined): string | undefined {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined;
}

function resolve(file: string, specifier: string, paths: ReadonlySet<string>): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  const target = path.posix.join(path.posix.dirname(file), specifier);
  return [target, target.replace(/\.js$/, '.ts'), target.replace(/\.js$/, '.d.ts')].find((one) => paths.has(one));
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node) || ts.isNamespaceExport(node)) return node.name.text === 'default';
  const modifiers = ts.canHaveModifiers(node) ? ts.getModifiers(node) : undefined;
  return modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) ?? false;
}

/** `x.process`, `{ process: 1 }`, `readonly process: string`: a name inside something, not a name in scope. */
function isPropertyName(node: ts.Identifier): boolean {
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent))
    return parent.name === node && parent.expression.getText() !== 'globalThis';
  if (ts.isQualifiedName(parent)) return parent.right === node;
  const namesMember =
    ts.isPropertyAssignment(parent) ||
    ts.isClassElement(parent) ||
    ts.isTypeElement(parent) ||
    ts.isJsxAttribute(parent);
  if (namesMember) return parent.name === node;
  return ts.isBindingElement(parent) && parent.propertyName === node;
}

function openingCommentOf(text: string): string {
  const start = ts.getShebang(text)?.length ?? 0;
  const [first] = ts.getLeadingCommentRanges(text, start) ?? [];
  if (first === undefined) return '';
  return text
    .slice(first.pos, first.end)
    .replace(/^\/\*\*?|\*\/$|^\s*\*|^\/\//gm, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}
