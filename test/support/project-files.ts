/** The files of the project that a commit would hold, and the lines in them that match something. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

const MAX_TEXT_BYTES = 4 * 1024 * 1024;

/** Tracked files and those that would be tracked next; undefined where there is no git to ask. */
export function projectFiles(project: string): readonly string[] | undefined {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const { status, stdout } = spawnSync('git', args, { cwd: project, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) return undefined;
  const names = stdout.split('\0').filter((name) => name !== '');
  return [...new Set(names)].filter((name) => existsSync(path.join(project, name))).sort();
}

/** `file:line: text` of every line that matches, in files that are text. */
export function linesMatching(project: string, files: readonly string[], pattern: RegExp): readonly string[] {
  return files.flatMap((file) =>
    textOf(path.join(project, file))
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim().slice(0, 160)}`] : [])),
  );
}

function textOf(file: string): string {
  const stats = statSync(file);
  if (!stats.isFile() || stats.size > MAX_TEXT_BYTES) return '';
  const bytes = readFileSync(file);
  return bytes.includes(0) ? '' : bytes.toString('utf8');
}
