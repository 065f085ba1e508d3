/** Findings in words: what, where, what was expected and found, what to do. */
import type { Finding, FindingPlace } from '../base/findings.js';
import { showPath } from '../base/paths.js';
import { safeText } from './safe-text.js';
import type { Style } from './style.js';
import { formatCount, formatCounted } from './units.js';

/** More warnings than this of one thing are counted, unless everything was asked for. Errors are never cut. */
const WARNINGS_SHOWN = 10;

export interface FindingsView {
  readonly style: Style;
  readonly verbose: boolean;
  /** Leaves warnings out. */
  readonly quiet: boolean;
}

/** The findings of one thing under its title; nothing where there is none to show. */
export function findingLines(title: string, findings: readonly Finding[], view: FindingsView): string[] {
  const errors = findings.filter((one) => one.severity === 'error');
  const warnings = view.quiet ? [] : findings.filter((one) => one.severity === 'warning');
  if (errors.length + warnings.length === 0) return [];
  const shown = view.verbose ? warnings : warnings.slice(0, WARNINGS_SHOWN);
  const cut = warnings.length - shown.length;
  return [
    `${view.style.bold(safeText(title))}: ${countText(errors.length, warnings.length)}`,
    ...[...errors, ...shown].flatMap((one) => oneFinding(one, view.style)),
    ...(cut === 0 ? [] : [`  … and ${formatCounted(cut, 'more warning')} (--verbose shows all)`]),
  ];
}

/** `2 errors, 1 warning`. */
export function countText(errors: number, warnings: number): string {
  const parts = [
    errors === 0 ? '' : formatCounted(errors, 'error'),
    warnings === 0 ? '' : formatCounted(warnings, 'warning'),
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function oneFinding(one: Finding, style: Style): string[] {
  const severity = one.severity === 'error' ? style.red('error') : style.yellow('warning');
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['where', placeText(one.where)],
    ['expected', one.expected],
    ['found', one.found],
    ['do', one.repair],
  ];
  const details = rows.filter(([, value]) => value !== undefined && value !== '');
  return [
    `  ${severity} ${one.code}: ${safeText(one.message)}`,
    ...details.map(([label, value]) => `    ${style.dim(label.padEnd(8))}  ${safeText(value ?? '')}`),
  ];
}

function placeText(where: FindingPlace): string {
  const parts: readonly (string | undefined)[] = [
    named('export', where.exportId),
    named('partition', where.partition),
    named('bundle', where.bundle),
    numbered('block', where.block),
    numbered('frame', where.frame),
    numbered('stored byte', where.storedOffset),
    numbered('tar byte', where.tarOffset),
    named('file', where.path),
  ];
  return parts.filter((part) => part !== undefined).join(', ');
}

function named(label: string, name: string | undefined): string | undefined {
  return name === undefined ? undefined : `${label} ${showPath(name)}`;
}

function numbered(label: string, number: number | undefined): string | undefined {
  return number === undefined ? undefined : `${label} ${formatCount(number)}`;
}
