#!/usr/bin/env node
/** Hands argv, environment, streams and signals of the process to `cli/main`. Nothing else. */
const { availableParallelism } = process.getBuiltinModule('node:os');
// Before anything starts libuv's pool, on which zstd runs. Why that needs care: docs/decisions/0032.
process.env['UV_THREADPOOL_SIZE'] ??= String(Math.max(4, availableParallelism()));

// Else three times what is alive for a moment stays in memory: the young generation would grow to 48 MiB.
process.getBuiltinModule('node:v8').setFlagsFromString('--semi-space-growth-factor=1');

const interrupt = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => (interrupt.signal.aborted ? process.exit(130) : interrupt.abort(name)));
}

// The AWS SDK prints a notice about Node 20 on stderr, once a process; our floor is our own affair (decision 0080).
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

const { stdout, stderr, env } = process;
void import('./cli/main.js')
  .then(({ run }) => run(process.argv.slice(2), { stdout, stderr, env, cwd: process.cwd(), signal: interrupt.signal }))
  .then((code) => (process.exitCode = code));
