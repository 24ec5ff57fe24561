'use strict'

// Needs an addon with the feature `test-hooks`, whose exports panic on purpose; OKSTRA_TEST_HOOKS names its file.

const assert = require('node:assert')
const { test } = require('node:test')
const { rejectionOf, thrownBy } = require('./helpers/api.js')

const file = process.env.OKSTRA_TEST_HOOKS

test('a panic becomes an error and Node goes on', { skip: !file && 'OKSTRA_TEST_HOOKS is not set' }, async () => {
  const addon = { exports: {} }
  process.dlopen(addon, file)
  const { panicAsync, panicSync } = addon.exports
  const controller = new AbortController()
  for (const error of [
    thrownBy(panicSync),
    await rejectionOf(panicAsync()),
    await rejectionOf(panicAsync(controller.signal)),
  ]) {
    assert.ok(error instanceof Error)
    assert.strictEqual(error.code, 'OKSTRA_INTERNAL')
    assert.match(error.message, /on purpose/)
  }
})
