'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')

const { SCENARIOS } = require('../scripts/torture/scenarios')
const { ROOT } = require('./helpers/repository.js')

/** The rows of the tables of promises: what is promised, and what is said to prove it. */
function promises() {
  const lines = fs.readFileSync(path.join(ROOT, 'docs', 'promises.md'), 'utf8').split('\n')
  const rows = lines.filter((line) => /^\| .* \| .* \|$/.test(line)).map((line) => line.slice(2, -2).split(' | '))
  return rows.filter(([promise]) => promise !== 'promise')
}

/** The names of the tests of a file, those of parametrised ones up to the parameter. */
function testsOf(file) {
  const text = fs.readFileSync(path.join(ROOT, file), 'utf8')
  const names = file.endsWith('.rs') ? /\bfn (\w+)/g : /\btest\(\s*(?:'((?:[^'\\]|\\.)*)'|"([^"]*)"|`([^`$]*))/g
  return [...text.matchAll(names)].map((match) => match.slice(1).find((name) => name !== undefined))
}

/** What is wrong with the proof of a promise. */
function flaws(proof) {
  const found = []
  let quoted = []
  for (const [, name, code] of proof.matchAll(/"([^"]+)"|`([^`]+)`/g)) {
    if (name) quoted.push(name)
    else if (!code.includes('/')) {
      if (!(code in SCENARIOS)) found.push(`there is no suite ${code}`)
    } else if (!fs.existsSync(path.join(ROOT, code))) found.push(`there is no file ${code}`)
    else {
      const names = testsOf(code)
      found.push(...quoted.filter((one) => !names.some((known) => known.startsWith(one))).map((one) => `${code} has no test "${one}"`))
      if (quoted.length === 0) found.push(`${code} without a test of it`)
      quoted = []
    }
  }
  if (!proof.includes('`')) found.push('nothing that proves it')
  if (quoted.length > 0) found.push(`no file for ${quoted.join(', ')}`)
  return found
}

test('every promise names suites and tests that exist', () => {
  const rows = promises()
  assert.ok(rows.length > 30, `${rows.length} promises`)
  const wrong = rows.flatMap(([promise, proof, ...more]) =>
    more.length > 0 ? [`${promise}: a row with more than two columns`] : flaws(proof).map((flaw) => `${promise}: ${flaw}`),
  )
  assert.deepEqual(wrong, [])
})

test('a promise without a proof is noticed', () => {
  assert.deepEqual(flaws('`no-such-suite`'), ['there is no suite no-such-suite'])
  assert.deepEqual(flaws('"no such test" in `__test__/promises.test.js`'), ['__test__/promises.test.js has no test "no such test"'])
  assert.equal(flaws('`__test__/none.test.js`').length, 1)
  assert.equal(flaws('the same').length, 1)
})
