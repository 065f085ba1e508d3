/**
 * Tells somebody how a drill went: a webhook, and a command when it did not pass. It answers for both being tried
 * within bounded time and for what became of them; a drill's own outcome is never changed by it.
 */
import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { finding, type Finding } from '../base/findings.js';
import type { DrillRecord } from '../schema/drill-record.js';

export interface NotifyOptions {
  readonly record: DrillRecord;
  /** An http or https address, to which the summary is sent as JSON (POST) after every drill. */
  readonly webhook?: string;
  /** A shell command, run when the outcome is not `pass`; the whole record is its standard input, as JSON. */
  readonly onFailure?: string;
  /** Of the command; LAKEPACK_DRILL_ID, LAKEPACK_DRILL_OUTCOME and LAKEPACK_DRILL_REASONS are added. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Wait before the first repetition, twice that before the second. Default 1 s. */
  readonly retryDelayMs?: number;
  /** Of each request. Default 10 s. */
  readonly requestTimeoutMs?: number;
  /** Of the command. Default 60 s. */
  readonly commandTimeoutMs?: number;
}

/** What is sent to a webhook: no sample rows, no secrets, nothing of more than a screen. */
export interface DrillSummary {
  readonly drillId: string;
  readonly outcome: DrillRecord['outcome'];
  /** One line for a chat. */
  readonly text: string;
  readonly archive: string;
  readonly finishedAt: string;
  readonly rtoMs: number;
  readonly rpoMs?: number;
  readonly totals: DrillRecord['totals'];
  readonly reasons: readonly { readonly code: string; readonly step: string; readonly message: string }[];
  readonly reasonsOmitted: number;
}

type Settings = Required<NotifyOptions>;

const WEBHOOK_ATTEMPTS = 3;
const MAX_REDIRECTS = 3;
const REASONS_SENT = 20;
const PASSING_STATUS: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** @returns NOTIFY_FAILED for each that could not be told; never throws. */
export async function notify(options: NotifyOptions): Promise<readonly Finding[]> {
  const settings: Settings = {
    webhook: '',
    onFailure: '',
    retryDelayMs: 1_000,
    requestTimeoutMs: 10_000,
    commandTimeoutMs: 60_000,
    ...options,
  };
  const faults = await Promise.all([
    settings.webhook === '' ? undefined : postSummary(settings),
    settings.onFailure === '' || settings.record.outcome === 'pass' ? undefined : runCommand(settings),
  ]);
  return faults.filter((fault) => fault !== undefined);
}

export function summaryOf(record: DrillRecord): DrillSummary {
  const { drillId, outcome, archive, finishedAt, rtoMs, rpoMs, totals, reasons } = record;
  const [first] = reasons;
  const because = first === undefined ? '' : `: ${first.code}: ${first.message}`;
  return {
    drillId,
    outcome,
    text: `lakepack drill of ${archive}: ${outcome}${because}`,
    archive,
    finishedAt,
    rtoMs,
    ...(rpoMs !== undefined && { rpoMs }),
    totals,
    reasons: reasons.slice(0, REASONS_SENT).map(({ code, step, message }) => ({ code, step, message })),
    reasonsOmitted: Math.max(0, reasons.length - REASONS_SENT),
  };
}

async function postSummary(settings: Settings): Promise<Finding | undefined> {
  const address = webhookAddress(settings.webhook);
  if (address === undefined) {
    return failed('the webhook was not told: its address is not http or https', 'mend --webhook');
  }
  const body = JSON.stringify(summaryOf(settings.record));
  let fault = '';
  for (let attempt = 1; attempt <= WEBHOOK_ATTEMPTS; attempt += 1) {
    const result = await post(address, body, settings);
    if (result.fault === undefined) return undefined;
    fault = result.fault;
    if (!result.mayPass || settings.signal.aborted || attempt === WEBHOOK_ATTEMPTS) break;
    await waitUnlessAborted(settings.retryDelayMs * 2 ** (attempt - 1), settings.signal);
  }
  // The path of a webhook is often its secret: only the host is named.
  return failed(`the webhook at ${address.host} was not told: ${fault}`, 'see whether the address still answers');
}

interface Posted {
  /** Undefined: it was taken. */
  readonly fault: string | undefined;
  readonly mayPass: boolean;
}

async function post(address: URL, body: string, { requestTimeoutMs, signal }: Settings): Promise<Posted> {
  const both = AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]);
  let target = address;
  try {
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const headers = { 'content-type': 'application/json', 'user-agent': 'lakepack' };
      const response = await fetch(target, { method: 'POST', body, headers, redirect: 'manual', signal: both });
      await response.body?.cancel();
      if (response.ok) return { fault: undefined, mayPass: false };
      // 307 and 308 alone keep the method and the body.
      const isRedirect = response.status === 307 || response.status === 308;
      if (!isRedirect) return { fault: `it answered ${response.status}`, mayPass: PASSING_STATUS.has(response.status) };
      const next = webhookAddress(response.headers.get('location') ?? '', target);
      if (next === undefined || next.host !== address.host || next.protocol !== address.protocol) {
        return { fault: 'it redirects to another host', mayPass: false };
      }
      target = next;
    }
    return { fault: 'it redirects in circles', mayPass: false };
  } catch (error) {
    return { fault: networkFault(error, signal, requestTimeoutMs), mayPass: true };
  }
}

function webhookAddress(text: string, base?: URL): URL | undefined {
  if (text === '' || !URL.canParse(text, base?.href)) return undefined;
  const address = new URL(text, base);
  return address.protocol === 'https:' || address.protocol === 'http:' ? address : undefined;
}

/** `fetch` puts what happened into the cause; its own words may hold the whole address. */
function networkFault(error: unknown, signal: AbortSignal, requestTimeoutMs: number): string {
  if (signal.aborted) return 'the drill was interrupted';
  if (error instanceof DOMException && error.name === 'TimeoutError') return `no answer in ${requestTimeoutMs} ms`;
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'the request could not be sent';
  return code;
}

async function waitUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch {
    // Aborted: the loop that waits looks at the signal itself.
  }
}

async function runCommand(settings: Settings): Promise<Finding | undefined> {
  const fault = await commandFault(settings);
  if (fault === undefined) return undefined;
  return failed(`the command of --on-failure ${fault}`, 'run it by hand, with the evidence as its standard input');
}

/** Undefined: it ended with 0. A group of its own, so that what the shell started is ended with it. */
function commandFault({
  onFailure,
  record,
  environment,
  commandTimeoutMs,
  signal,
}: Settings): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn('/bin/sh', ['-c', onFailure], {
      env: { ...environment, ...drillVariables(record) },
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    let ended: string | undefined;
    const end = (why: string): void => {
      ended ??= why;
      endGroup(child.pid);
    };
    const timer = setTimeout(() => end(`was ended: not done in ${commandTimeoutMs} ms`), commandTimeoutMs);
    const onAbort = (): void => end('was ended: the drill was interrupted');
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const settle = (fault: string | undefined): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      resolve(ended ?? fault);
    };
    child.once('error', (error) => settle(`could not be started: ${error.message}`));
    child.once('exit', (code, by) => settle(code === 0 ? undefined : `ended with ${code ?? by ?? 'no code'}`));
    // A command that does not read its input closes it early.
    child.stdin.on('error', () => undefined);
    child.stdin.end(JSON.stringify(record));
  });
}

/** By a shell, because nothing below `cli/` has the process at hand; a group that is gone already is what is wanted. */
function endGroup(groupId: number | undefined): void {
  if (groupId === undefined) return;
  spawn('/bin/sh', ['-c', `kill -9 -${groupId}`], { stdio: 'ignore' }).on('error', () => undefined);
}

function drillVariables({ drillId, outcome, reasons }: DrillRecord): Readonly<Record<string, string>> {
  return {
    LAKEPACK_DRILL_ID: drillId,
    LAKEPACK_DRILL_OUTCOME: outcome,
    LAKEPACK_DRILL_REASONS: [...new Set(reasons.map(({ code }) => code))].join(','),
  };
}

function failed(message: string, repair: string): Finding {
  return finding('NOTIFY_FAILED', message, {}, { repair });
}
