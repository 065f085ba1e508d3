#!/usr/bin/env node
/** Hands argv, environment, streams and signals of the process to `cli/main`. Nothing else. */
const { availableParallelism } = process.getBuiltinModule('node:os');
// Before anything starts libuv's pool, on which zstd runs. Why that needs care: docs/decisions/0032.
process.env['UV_THREADPOOL_SIZE'] ??= String(Math.max(4, availableParallelism()));

// Most of what is made lives for a moment: V8 would let 48 MiB of it pile up, and the rest grow to a multiple before it
// looks. What that saves, and costs: docs/performance.md.
for (const flag of ['--max-semi-space-size=2', '--heap-growing-percent=20']) {
  process.getBuiltinModule('node:v8').setFlagsFromString(flag);
}

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
