'use strict'

const { startWorker } = require('./processes')

const PROJECT = 'torture'
const GROUP = 'group'

/** A process that does one thing after the other to the tasks of a sandbox. */
class TaskProcess {
  constructor(sandbox, environment = {}) {
    this.child = startWorker('task.js', [], { env: { ...sandbox.environment, ...environment }, session: true })
    this.answers = 0
  }

  get pid() {
    return this.child.pid
  }

  get ready() {
    return this.child.ready
  }

  /** Starts a call; its end is awaited with `answer`. */
  start(call, options) {
    this.child.go(JSON.stringify({ call, options }))
  }

  /** The answer of the call under way, or null when the process ends without one. */
  async answer(limit = 120_000) {
    const wanted = ++this.answers
    const end = Date.now() + limit
    const lines = () => this.child.stdout.split('\n').slice(1, -1)
    while (lines().length < wanted && !this.child.ended && Date.now() < end) {
      await new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer)
          this.child.process.stdout.removeListener('data', done)
          this.child.process.removeListener('close', done)
          resolve()
        }
        const timer = setTimeout(done, 200)
        this.child.process.stdout.once('data', done)
        this.child.process.once('close', done)
      })
    }
    const line = lines()[wanted - 1]
    return line === undefined ? null : JSON.parse(line)
  }

  /** One call and its answer. */
  async call(call, options) {
    await this.ready
    this.start(call, options)
    return (await this.answer()) ?? { ok: false, error: { code: 'none', message: `no answer: ${this.child.stderr}` } }
  }

  /** One call that must succeed; gives its result. */
  async must(call, options) {
    const answer = await this.call(call, options)
    if (!answer.ok) throw new Error(`${call}: ${answer.error.code}: ${answer.error.message}`)
    return answer.result
  }

  end() {
    this.child.process.kill('SIGKILL')
  }
}

/** The options that name a task. */
const named = (task, more = {}) => ({ projectId: PROJECT, taskGroup: GROUP, taskId: task, ...more })

/** The options that provision it. */
const wanted = (repository, task) => ({
  taskType: 'implementation',
  projectRoot: repository,
  projectId: PROJECT,
  taskGroupSegment: GROUP,
  taskIdSegment: task,
  workCategory: 'feature',
})

module.exports = { TaskProcess, named, wanted }
