'use strict'

// Changes the registry many times and compares each answer with what it knows itself.
//
//   node registry_operations.js <home> <writer> <operations> <seed>
//
// Keys `node/writer-<n>/...` belong to this process alone. `node/shared/mutex` belongs to whoever reserved it: who has
// it counts a number up in a plain file, and two owners at once would lose a count.

const fs = require('node:fs')
const path = require('node:path')

const { registry } = require('../../../index.js')
const { createRandom } = require('../support/random')

const [home, writer, operations, seed] = [process.argv[2], ...process.argv.slice(3).map(Number)]
const random = createRandom(seed)
const counterFile = path.join(home, 'counter')
const project = 'node'
const group = `writer-${writer}`
const known = new Map()
const wrong = []
let counted = 0

const expect = (what, actual, wanted) => {
  if (actual !== wanted) wrong.push(`writer ${writer}: ${what}: ${JSON.stringify(actual)}, not ${JSON.stringify(wanted)}`)
}

function expectRow(what, entry, row) {
  if (!entry || !row) return expect(what, entry ?? null, row ?? null)
  for (const field of Object.keys(row)) expect(`${what}: ${field}`, entry[field], row[field])
}

function reserve(task) {
  const row = {
    worktreePath: path.join(home, 'worktrees', project, group, task),
    branch: `feat-${writer}-${task}`,
    baseRef: String(random.between(0, 9)).repeat(40),
  }
  const options = { projectId: project, taskGroup: group, taskId: task, ...row, phase: 'reserved' }
  if (known.get(task)?.status === 'active') {
    try {
      registry.reserve(options)
      wrong.push(`writer ${writer}: reserved ${task} twice`)
    } catch (error) {
      expect('code', error.code, 'OKSTRA_KEY_EXISTS')
    }
    return
  }
  const entry = registry.reserve(options)
  known.set(task, { ...row, lastPhase: 'reserved', status: 'active' })
  expectRow(`reserve ${task}`, entry, known.get(task))
}

function touch(task) {
  const phase = `단계-${random.between(0, 9999)}`
  registry.touchPhase(project, group, task, phase)
  if (known.has(task)) known.get(task).lastPhase = phase
}

function release(task) {
  const before = known.get(task)
  const entry = registry.release(project, group, task)
  if (!before) return expect(`release ${task}`, entry, null)
  expect(`release ${task}: branch`, entry?.branch, before.branch)
  before.status = 'released'
}

function lookup(task) {
  expectRow(`lookup ${task}`, registry.lookup(project, group, task), known.get(task))
}

function list() {
  const mine = registry.list().filter((entry) => entry.projectId === project && entry.taskGroup === group)
  expect('own rows in the list', mine.length, known.size)
}

function mutex() {
  const worktreePath = path.join(home, 'worktrees', project, 'shared', 'mutex')
  const row = { projectId: project, taskGroup: 'shared', taskId: 'mutex', worktreePath, branch: 'mutex' }
  try {
    registry.reserve({ ...row, baseRef: '0'.repeat(40) })
  } catch (error) {
    return expect('code', error.code, 'OKSTRA_KEY_EXISTS')
  }
  const count = Number(fs.readFileSync(counterFile, 'utf8'))
  fs.writeFileSync(counterFile, String(count + 1))
  counted++
  registry.release(project, 'shared', 'mutex')
}

fs.writeSync(1, 'ready\n')
fs.readSync(0, Buffer.alloc(16))
for (let i = 0; i < operations; i++) {
  const task = `task-${random.between(0, 2)}`
  const operation = random.pick([reserve, reserve, touch, touch, release, lookup, list, mutex])
  try {
    operation(task)
  } catch (error) {
    wrong.push(`writer ${writer}: ${operation.name} ${task}: ${error.code}: ${error.message}`)
  }
}
fs.writeSync(1, `${JSON.stringify({ rows: Object.fromEntries(known), counted, wrong: wrong.slice(0, 20) })}\n`)
