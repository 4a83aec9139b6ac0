// Runs the suite's origin, the edge and the suite's client, and holds the results against what is
// expected: every required and optimal test passes but those listed here, each with its reason, and
// none of those passes unnoticed. What the suite calls checks is a survey, without right answers.
// usage: cache_tests.mjs BINARY SUITE

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const binary = process.argv[2]
const suite = resolve(process.argv[3])

const expectedToFail = {
  'age-parse-nonnumeric':
    'the newer suite, as RFC 9111 section 5.1, wants an Age that is no number ignored, and of several the first taken',
  'age-parse-negative':
    'the newer suite, as RFC 9111 section 5.1, wants an Age that is no number ignored, and of several the first taken',
  'age-parse-float':
    'the newer suite, as RFC 9111 section 5.1, wants an Age that is no number ignored, and of several the first taken',
  'age-parse-prefix-twoline':
    'the newer suite, as RFC 9111 section 5.1, wants an Age that is no number ignored, and of several the first taken',
  'age-parse-dup-0':
    'the newer suite, as RFC 9111 section 5.1, wants an Age that is no number ignored, and of several the first taken',
  'age-parse-dup-0-twoline':
    'the newer suite, as RFC 9111 section 5.1, wants an Age that is no number ignored, and of several the first taken',
  'age-parse-dup-old':
    'the newer suite, as RFC 9111 section 5.1, wants an Age that is no number ignored, and of several the first taken',
  'age-parse-parameter':
    'the newer suite, as RFC 9111 section 5.1, wants an Age that is no number ignored, and of several the first taken',
  'age-parse-numeric-parameter':
    'the newer suite, as RFC 9111 section 5.1, wants an Age that is no number ignored, and of several the first taken',
  'stale-close-must-revalidate':
    'wants the field Server-Request-Count in the error page; the newer suite wants it missing',
  'stale-close-proxy-revalidate':
    'wants the field Server-Request-Count in the error page; the newer suite wants it missing',
  'stale-close-no-cache':
    'wants the field Server-Request-Count in the error page; the newer suite wants it missing',
  'stale-close-s-maxage=2':
    'wants the field Server-Request-Count in the error page; the newer suite wants it missing',
  '304-etag-update-response-Content-MD5':
    'the newer suite only asks what is done',
  '304-etag-update-response-Set-Cookie':
    'the newer suite only asks what is done',
  'conditional-lm-fresh-no-lm':
    'contradicts RFC 9111 section 4.3.2: see docs/conformance.md',
  'partial-store-partial-reuse-partial':
    'the part holds five bytes and claims six: see docs/conformance.md',
  'partial-store-partial-reuse-partial-absent':
    'the part holds five bytes and claims six: see docs/conformance.md',
  'partial-store-partial-reuse-partial-suffix':
    'the part holds five bytes and claims six: see docs/conformance.md',
  'partial-store-partial-complete':
    'a part without a strong validator cannot be completed: see docs/conformance.md'
}

const load = async path => import(pathToFileURL(join(suite, path)).href)

// Below those that the kernel hands out, so that nobody is given it before its owner listens.
function freePort () {
  return new Promise(resolve => {
    const server = createServer()
    const attempt = () => server.listen(20000 + Math.floor(Math.random() * 10000), '127.0.0.1')
    server.on('error', attempt)
    server.on('listening', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
    attempt()
  })
}

// A program that says when it is ready.
function start (command, args, env, ready) {
  const child = spawn(command, args, { cwd: suite, env: { ...process.env, ...env } })
  return new Promise((resolve, reject) => {
    let said = ''
    const listen = data => {
      said += data
      if (said.includes(ready)) resolve(child)
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    child.on('exit', code => reject(new Error(`${command} ended with ${code}: ${said}`)))
  })
}

async function run (state) {
  const originPort = await freePort()
  let edgePort = originPort
  while (edgePort === originPort) edgePort = await freePort()
  const origin = await start('node', ['server/server.mjs'], {
    npm_config_port: `${originPort}`,
    npm_config_protocol: 'http',
    npm_config_pidfile: join(state, 'origin.pid')
  }, 'Listening on')
  let edge
  try {
    // As it is by default, but nobody is held: a backend that answers 502 would be asked again, and
    // the suite counts how often it is asked.
    const settings = join(state, 'afloat.yaml')
    writeFileSync(settings, `listen: ["127.0.0.1:${edgePort}"]
state: ${state}
origins: {main: {backends: ["http://127.0.0.1:${originPort}"]}}
sites: [{lifelines: {hold: {enabled: false}}}]
`)
    edge = await start(binary, ['run', '--config', settings], {}, 'listening on')
    const tests = (await load('tests/index.mjs')).default
    const { default: fetch } = await import(
      pathToFileURL(join(suite, '..', 'node-fetch', 'lib', 'index.mjs')).href)
    const { runTests, getResults } = await load('client/runner.mjs')
    await runTests(tests, fetch, false, `http://127.0.0.1:${edgePort}`, 25)
    return { tests, results: getResults() }
  } finally {
    for (const child of [edge, origin]) {
      if (child === undefined) continue
      child.removeAllListeners('exit')
      const gone = new Promise(resolve => child.on('exit', resolve))
      child.kill('SIGTERM')
      await gone
    }
  }
}

function judge ({ tests, results }) {
  const faults = []
  const scores = {}
  for (const test of tests.flatMap(set => set.tests)) {
    const kind = test.kind ?? 'required'
    if (test.browser_only || kind === 'check') continue
    const result = results[test.id]
    scores[kind] ??= { passed: 0, all: 0 }
    scores[kind].all++
    scores[kind].passed += result === true ? 1 : 0
    if (result !== true && !(test.id in expectedToFail)) {
      faults.push(`${test.id} (${kind}) fails: ${result === undefined ? 'not run' : result[1]}`)
    }
    if (result === true && test.id in expectedToFail) {
      faults.push(`${test.id} (${kind}) passes; take it off the list`)
    }
  }
  return { faults, scores }
}

const state = mkdtempSync(join(tmpdir(), 'afloat-cache-tests-'))
let outcome
try {
  outcome = judge(await run(state))
} finally {
  rmSync(state, { recursive: true, force: true })
}
outcome.faults.forEach(fault => console.log(fault))
console.log(Object.entries(outcome.scores)
  .map(([kind, score]) => `${score.passed} of ${score.all} ${kind}`).join(', '))
process.exit(outcome.faults.length === 0 ? 0 : 1)
