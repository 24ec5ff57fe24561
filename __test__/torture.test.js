'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { SCENARIOS } = require('../scripts/torture/scenarios')
const { randomSeed } = require('../scripts/torture/support/random')

const seed = randomSeed()

for (const [name, { run, small }] of Object.entries(SCENARIOS)) {
  test(`torture, small: ${name}`, { timeout: 120_000 }, async (context) => {
    if (process.platform !== 'linux') return context.skip('it finds processes through /proc')
    const { figure, violations, skipped } = await run({ ...small, seed })
    context.diagnostic(`${figure} (seed ${seed})`)
    assert.deepEqual(violations, [], `repeat with: node scripts/torture.js --small --seed ${seed} ${name}`)
    if (skipped) context.skip(figure)
  })
}
