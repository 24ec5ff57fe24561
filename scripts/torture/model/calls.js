'use strict'

// The steps that are calls of okstra, from Node or from the command line.

const { execFile } = require('node:child_process')
const path = require('node:path')
const readline = require('node:readline')

const { startWorker } = require('../support/processes')
const { ROOT } = require('../support/sandbox')
const { keyOf, segments } = require('./state')

/** A process that answers one call of the API after the other. */
class Api {
  constructor(environment) {
    this.child = startWorker('api.js', [], { env: environment, session: true })
    this.lines = readline.createInterface({ input: this.child.process.stdout })[Symbol.asyncIterator]()
    this.ready = this.lines.next()
  }

  get pid() {
    return this.child.pid
  }

  /** Asks; `{ ok, result }` or `{ ok, error }`. */
  async call(call, ...args) {
    await this.ready
    this.child.go(JSON.stringify({ call, args }))
    const { value } = await this.lines.next()
    return value ? JSON.parse(value) : { ok: false, error: { code: 'DIED', message: this.child.stderr.trim() } }
  }

  async end() {
    this.child.process.stdin.end()
    await this.child.finish(10_000)
  }
}

const FLAGS = {
  uncommitted: '--discard-changes',
  untracked: '--discard-untracked',
  ignored: '--discard-ignored',
  detached: '--discard-detached',
  unmerged: '--discard-commits',
}

/** What a step asks of okstra: the function, its arguments, and the same for the command line (`null`: Node alone). */
const CALLS = {
  provision: ({ repository }, task, { phase }) => {
    const { projectId, taskGroup, taskId } = segments(task)
    const names = { projectId, taskGroupSegment: taskGroup, taskIdSegment: taskId, workCategory: 'feature' }
    const line = ['provision', keyOf(task), '--phase', phase, '--category', 'feature', '--root', repository]
    return ['provisionTaskWorktree', [{ taskType: phase, projectRoot: repository, ...names }], line]
  },
  release: (_, task) => {
    const { projectId, taskGroup, taskId } = segments(task)
    return ['registry.release', [projectId, taskGroup, taskId], null]
  },
  remove: (_, task, { mode, deleteBranch }, { allow = [] }) => {
    const force = mode === 'force'
    const flags = [...allow.map((kind) => FLAGS[kind]), force && '--force', deleteBranch && '--delete-branch']
    const line = ['remove', keyOf(task), ...flags.filter(Boolean)]
    return ['removeTask', [{ ...segments(task), allow, force, deleteBranch }], line]
  },
  restore: (_, task) => ['restoreTask', [segments(task)], ['restore', keyOf(task)]],
  doctor: ({ repository }) => ['doctor', [{ fix: true, root: repository }], null],
  warm: ({ repository }) => ['warmSpares', [{ projectRoot: repository, count: 1, keepFree: 0 }], null],
  reclaim: () => ['reclaim', [], ['reclaim', '--yes']],
}

/** All that lies in the trash and in quarantine, whatever its age, and nothing else. */
async function purge({ api }) {
  const everything = { olderThanDays: 0 }
  const { result } = await api.call('prune', everything)
  const doomed = result.filter(({ why }) => ['expired', 'quarantine', 'unfinished'].includes(why))
  return ['prune', [{ ...everything, apply: true, only: doomed.map(({ id }) => id) }], null]
}

/** What is merged or gone, whatever its age, and nothing else. */
async function prune({ api }) {
  const everything = { olderThanDays: 0 }
  const { result } = await api.call('prune', everything)
  const agreed = result.filter(({ why }) => ['merged', 'missing', 'orphan'].includes(why))
  return ['prune', [{ ...everything, apply: true, only: agreed.map(({ id }) => id) }], null]
}

/** The call of a step, as `CALLS` has it. */
function callOf(world, task, step, expected) {
  if (step.op === 'prune') return step.purge ? purge(world) : prune(world)
  return CALLS[step.op](world, task, step, expected)
}

/** Runs the command line, and gives its answer as the API would. */
function runCommand({ sandbox }, line) {
  const args = [path.join(ROOT, 'bin', 'okstra.js'), ...line, '--json']
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: sandbox.directory, env: sandbox.environment }, (_, stdout, stderr) => {
      try {
        const { ok, error, ...result } = JSON.parse(stdout)
        resolve({ ok, error, result })
      } catch {
        resolve({ ok: false, error: { code: 'NO_JSON', message: `${stdout}${stderr}` } })
      }
    })
  })
}

module.exports = { Api, callOf, runCommand }
