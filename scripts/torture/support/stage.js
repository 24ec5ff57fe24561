'use strict'

const { checkAll, checkWorktree } = require('./invariants')
const { kill, sessionEnds } = require('./processes')
const { complaint, provisionOptions, startProvisioner } = require('./provisioning')
const { PythonChecker, interpreter } = require('./python')
const { createRepository, plantSentinels } = require('./repository')
const { Sandbox } = require('./sandbox')

/** How long what a dead owner left running may outlive the answer of the next call: the end of a process, no work. */
const GRACE_MS = 250

/** A repository with sentinels, the place of the scenarios in which something dies or fails. */
class Stage {
  constructor(name, { files, seed, directory }) {
    this.sandbox = new Sandbox(name, directory)
    this.repository = createRepository(this.sandbox, { files, seed })
    this.base = this.sandbox.git(this.repository, 'rev-parse', 'HEAD')
    this.readSentinels = plantSentinels(this.sandbox, this.repository)
    this.sentinels = this.readSentinels()
    this.checker = interpreter() ? new PythonChecker(this.sandbox.environment) : null
    this.provisioned = []
    this.next = startProvisioner(this.sandbox)
  }

  /** A process that stands ready to provision a task. The one after it starts meanwhile. */
  async takeProcess(task, more = {}) {
    const child = this.next
    this.next = startProvisioner(this.sandbox)
    child.options = JSON.stringify(provisionOptions(this.repository, task, more))
    await child.ready
    return child
  }

  /** Provisions a task in a process of its own, undisturbed. */
  async provision(task) {
    const child = await this.takeProcess(task)
    child.go()
    const end = await child.finish()
    return { ...end, answer: child.answer(), session: child.pid }
  }

  /** How long an undisturbed call takes here and now, in milliseconds; the median of three. */
  async measure() {
    const times = []
    for (let i = 0; i < 3; i++) {
      const end = await this.provision(`measure-${Math.random().toString(36).slice(2)}`)
      const wrong = complaint(end)
      if (wrong) throw new Error(`an undisturbed call failed: ${wrong}`)
      this.provisioned.push(end.answer.result)
      times.push(end.answer.milliseconds)
    }
    return times.sort((a, b) => a - b)[1]
  }

  /**
   * The call after something went wrong with a task: it must succeed and leave everything as if nothing had.
   * `sessions` are the sessions of the processes that died.
   *
   * @returns {Promise<{ status: string, violations: string[] }>}
   */
  async recover(task, sessions, expected = ['created', 'reused']) {
    const end = await this.provision(task)
    const left = (await Promise.all(sessions.map((session) => sessionEnds(session, GRACE_MS)))).flat()
    const violations = left.map(({ name }) => `${name} of a dead owner runs on after the next call has answered`)
    const after = (await Promise.all([...sessions, end.session].map((session) => sessionEnds(session)))).flat()
    for (const { pid, name } of after) {
      violations.push(`a process was left: ${name}`)
      kill(pid)
    }
    const wrong = complaint(end)
    if (wrong) return { status: 'failed', violations: [...violations, `the next call failed: ${wrong}`] }
    const { result } = end.answer
    if (!expected.includes(result.status)) violations.push(`the next call says ${result.status}`)
    if (!this.provisioned.some((one) => one.path === result.path)) this.provisioned.push(result)
    return { status: result.status, violations: [...violations, ...(await checkAll(this, this.provisioned))] }
  }

  /** Are all worktrees of this stage still as they were made? */
  checkAllTrees() {
    return this.provisioned.flatMap((one) => checkWorktree(this.sandbox, one, this.base))
  }

  /** Ends the helpers and removes the directory, unless it is to be kept for a look at a violation. */
  async dispose({ keep = false } = {}) {
    this.next.process.kill('SIGKILL')
    await this.checker?.end()
    if (keep) return this.sandbox.directory
    this.sandbox.dispose()
    return null
  }
}

/**
 * Takes `items` to one stage after the other, `perStage` to each, so that the cost of each git call does not grow with
 * the length of the run. A stage with a violation ends early, as what comes after would only repeat it.
 *
 * @param {(stage: Stage, item: any) => Promise<string[]>} visit gives the violations
 */
async function acrossStages(name, { keep, perStage = 40, progress, ...place }, items, visit) {
  const violations = []
  const kept = []
  let done = 0
  for (let start = 0; start < items.length; ) {
    const stage = new Stage(name, place)
    let bad = []
    try {
      stage.duration = await stage.measure()
      const end = Math.min(start + perStage, items.length)
      while (start < end && bad.length === 0) {
        bad = await visit(stage, items[start++])
        progress?.(name, ++done, items.length)
      }
      if (bad.length === 0) bad = stage.checkAllTrees()
    } finally {
      const directory = await stage.dispose({ keep: keep && bad.length > 0 })
      if (directory) kept.push(directory)
    }
    violations.push(...bad)
  }
  return [...violations, ...kept.map((directory) => `kept for a look: ${directory}`)]
}

module.exports = { Stage, acrossStages }
