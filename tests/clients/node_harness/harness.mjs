// Runs the tests of a JavaScript suite: names for this run, the checks, and the count in the last line.
import { isDeepStrictEqual, inspect } from 'node:util'

const tests = []

export const bootstrap = process.env.BOOTSTRAP ?? '127.0.0.1:9092'

export function test (title, run) {
  tests.push({ title, run })
}

// Unique to this run: topics, groups and transactional ids.
export function name (stem) {
  return `${process.env.SUITE ?? 'node'}-${stem}-${process.env.RUN_ID ?? '0'}`
}

export function equal (found, expected, what) {
  if (!isDeepStrictEqual(found, expected)) {
    throw new Error(`${what}: expected ${short(expected)}, got ${short(found)}`)
  }
}

export function holds (condition, what) {
  if (!condition) throw new Error(`expected ${what}`)
}

export async function fails (promise, matches, what) {
  const error = await Promise.resolve(promise).then(() => null, (error) => error)
  if (!error) throw new Error(`expected ${what}, and nothing failed`)
  for (let cause = error; cause; cause = cause.cause ?? cause.errors?.[0]) {
    if (matches(cause)) return
  }
  throw new Error(`expected ${what}, got ${inspect(error).slice(0, 600)}`)
}

// Polls until the condition holds; the clients work on meanwhile.
export async function until (what, condition, seconds = 40) {
  const end = Date.now() + seconds * 1000
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`expected ${what}, and it did not happen in time`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

export function numbered (count, stem = 'value ') {
  return Array.from({ length: count }, (_, i) => `${stem}${i}`)
}

function short (value) {
  const text = inspect(value, { breakLength: Infinity, compact: true, maxArrayLength: 20 })
  return text.length < 300 ? text : `${text.slice(0, 300)}... (${text.length} characters)`
}

function describe (error) {
  const reasons = []
  for (let cause = error; cause; cause = cause.cause ?? cause.errors?.[0]) reasons.push(cause.message)
  return [reasons.join(': '), ...(error.stack ?? '').split('\n').filter((line) => line.startsWith('    at ')).slice(0, 4)].join('\n')
}

function withLimit (promise, seconds) {
  let timer
  const limit = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`expected to end within ${seconds} s`)), seconds * 1000)
  })
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer))
}

export async function main () {
  const only = new RegExp(process.env.ONLY ?? '')
  let passed = 0
  let failed = 0
  process.on('unhandledRejection', (error) => console.log(`unhandled: ${error}`))
  for (const { title, run } of tests.filter((one) => only.test(one.title))) {
    const start = Date.now()
    try {
      await withLimit(run(), 60)
      console.log(`ok ${title} (${Date.now() - start} ms)`)
      passed++
    } catch (error) {
      console.log(`FAILED ${title}: ${describe(error)}`)
      failed++
    }
  }
  console.log(`${passed} passed, ${failed} failed`)
  // Connections of a client that would not end must not keep the suite alive.
  process.exit(failed === 0 ? 0 : 1)
}
