/**
 * Brings a clone to the point where it can be run: the right Node, the packages of the lock file, a build that is
 * newer than the sources. Each says what it does and why, and does nothing when nothing is to be done.
 */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { URL, fileURLToPath } from 'node:url';
import { capture, npmCommand } from './child.mjs';

export const projectFolder = fileURLToPath(new URL('..', import.meta.url));

const OLDEST_NODE = [20, 19];

/** A step that could not be done; its message is meant for the reader and needs no stack. */
export class PreparationError extends Error {}

export function assertNodeVersion(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new PreparationError(`this is Node ${version}: lakepack needs Node ${OLDEST_NODE.join('.')} or newer`);
}

/** True when an environment variable asks for something: set, and neither empty nor `0`. */
export function isSet(name) {
  return !['', '0', undefined].includes(process.env[name]);
}

/** Runs `npm ci` when the installed packages are not those of the lock file. LAKEPACK_NO_INSTALL forbids it. */
export async function ensureInstalled(say) {
  const fault = installFault();
  if (fault === undefined) return say('install', 'node_modules is what package-lock.json says');
  if (isSet('LAKEPACK_NO_INSTALL')) {
    throw new PreparationError(`${fault}, and LAKEPACK_NO_INSTALL forbids to install: run \`npm ci\``);
  }
  say('install', `${fault}: running \`npm ci\` …`);
  // Without --include=dev a NODE_ENV=production in the environment would leave out what builds and tests.
  const [command, args] = npmCommand('ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error');
  const { status, seconds, lines } = await capture(command, args, { cwd: projectFolder });
  if (status !== 0) throw new PreparationError(`npm ci failed (status ${status})\n${lines.join('\n')}`);
  say('install', `${count(Object.keys(installedPackages() ?? {}).length, 'package')} in ${seconds.toFixed(0)} s`);
}

/** Runs `npm run build`, and says why; returns when dist/ is new. */
export async function build(say, reason) {
  say('build', reason === undefined ? '`npm run build` …' : `${reason}: \`npm run build\` …`);
  const [command, args] = npmCommand('run', '--silent', 'build');
  const { status, seconds, lines } = await capture(command, args, { cwd: projectFolder });
  if (status !== 0) throw new PreparationError(`the build failed (status ${status})\n${lines.join('\n')}`);
  say('build', `dist/ in ${seconds.toFixed(1)} s`);
}

/** Builds when dist/ is missing or older than a source. */
export async function ensureBuilt(say) {
  const fault = buildFault();
  if (fault === undefined) return say('build', 'dist/ is newer than every source');
  await build(say, fault);
}

/** `3 files`, `1 file`. */
export function count(number, noun) {
  return `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`;
}

// npm keeps a lock file of its own inside node_modules. Comparing what both say is exact where comparing their
// times is not: a checkout of another branch and back makes a lock file new without changing it.
function installFault() {
  const installed = installedPackages();
  if (installed === undefined) return 'node_modules is missing';
  const wanted = readJson('package-lock.json').packages;
  const wrong = Object.keys(wanted).find((name) => name !== '' && !isInstalled(wanted[name], installed[name]));
  if (wrong === undefined) return undefined;
  const versions = `expected ${wanted[wrong].version}, got ${installed[wrong]?.version ?? 'none'}`;
  return `node_modules is older than package-lock.json (${wrong.replace(/^.*node_modules\//, '')}: ${versions})`;
}

function isInstalled(wanted, installed) {
  // A package for another platform is rightly absent.
  if (installed === undefined) return wanted.optional === true || wanted.devOptional === true;
  return installed.version === wanted.version && installed.integrity === wanted.integrity;
}

function installedPackages() {
  const file = 'node_modules/.package-lock.json';
  return existsSync(path.join(projectFolder, file)) ? readJson(file).packages : undefined;
}

function buildFault() {
  const output = path.join(projectFolder, 'dist/bin.js');
  if (!existsSync(output)) return 'dist/ is missing';
  const builtAt = statSync(output).mtimeMs;
  const inputs = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', ...filesBelow('src')];
  const newer = inputs.find((file) => statSync(path.join(projectFolder, file)).mtimeMs > builtAt);
  return newer === undefined ? undefined : `dist/ is older than ${newer}`;
}

/** Files and folders: a folder's own time tells that a file in it was removed. */
function filesBelow(folder) {
  return [
    folder,
    ...readdirSync(path.join(projectFolder, folder), { recursive: true }).map((name) => `${folder}/${name}`),
  ];
}

function readJson(file) {
  return JSON.parse(readFileSync(path.join(projectFolder, file), 'utf8'));
}
