'use strict'

const fs = require('node:fs')

const { killSession, kill, sleepBlocking } = require('../support/processes')
const { createRandom } = require('../support/random')
const { PythonChecker, interpreter } = require('../support/python')
const { changedSentinels, createRepository, plantSentinels } = require('../support/repository')
const { Sandbox } = require('../support/sandbox')
const { Api, callOf, runCommand } = require('./calls')
const { checkAll, gitSays } = require('./checks')
const { branchOf, createModel, directoryOf, keyOf, predict } = require('./state')
const { IN_A_TREE, corrupt, describe, drawStep, moveBack } = require('./steps')

const TASKS = 3
const FILES = 3
/** Every so many steps what costs more is asked too. */
const THOROUGH = 6
/** How long a call may take before it is killed, in milliseconds, until one was seen to its end. */
const USUAL = 120

/** A repository with sentinels, the okstra home of one sequence, and the model of both. */
class World {
  constructor(directory) {
    this.sandbox = new Sandbox('model', directory)
    this.repository = createRepository(this.sandbox, { files: FILES, seed: 1 })
    this.elsewhere = this.sandbox.path('elsewhere')
    this.readSentinels = plantSentinels(this.sandbox, this.repository)
    this.sentinels = this.readSentinels()
    this.checker = interpreter() ? new PythonChecker(this.sandbox.environment) : null
    this.api = new Api(this.sandbox.environment)
    this.durations = {}
    const base = this.sandbox.git(this.repository, 'rev-parse', 'HEAD')
    this.model = createModel(TASKS, base, this.committedFiles(base))
  }

  committedFiles(commit) {
    const names = this.sandbox.git(this.repository, 'ls-tree', '-r', '--name-only', commit).split('\n')
    const show = (name) => this.sandbox.tryGit(this.repository, 'show', `${commit}:${name}`).stdout
    return new Map(names.map((name) => [name, show(name)]))
  }

  placeOf(task) {
    return this.sandbox.path('home', 'worktrees', ...directoryOf(task))
  }

  async dispose(keep) {
    await this.api.end()
    await this.checker?.end()
    if (!keep) this.sandbox.dispose()
  }
}

/** Whether an answer is the expected one. */
function matches(expected, answer) {
  if (expected.code) {
    const kinds = answer.error?.obstacles?.map(({ kind }) => kind).sort()
    return answer.error?.code === expected.code && (!expected.obstacles || kinds?.join() === expected.obstacles.join())
  }
  return answer.ok && ['status', 'source'].every((name) => !expected[name] || answer.result[name] === expected[name])
}

const inWords = ({ ok, result, error }) =>
  ok ? `ok ${result?.status ?? ''}${result?.source ?? ''}` : `${error.code} ${error.obstacles?.map(({ kind }) => kind).join() ?? ''}: ${error.message}`

/** Begins a call in a process of its own and kills it, alone or with all that it started. */
async function killInTheMiddle(world, step, [name, args]) {
  const victim = new Api(world.sandbox.environment)
  await victim.ready
  victim.child.go(JSON.stringify({ call: name, args }))
  sleepBlocking(step.at * 1.2 * (world.durations[step.op] ?? USUAL))
  const strike = step.number % 2 === 0 ? kill : killSession
  strike(victim.pid)
  await victim.child.done
}

/** What a check-up leaves to do: nothing that it could have mended. */
async function checkUp({ api, repository }, { result }) {
  const again = await api.call('doctor', { root: repository })
  if (!again.ok) return [`the check-up after it fails: ${again.error.message}`]
  const wrong = [
    ...result.findings.filter(({ outcome }) => outcome === 'failed'),
    ...again.result.findings.filter(({ outcome }) => !['decide', 'wait'].includes(outcome)),
  ]
  return wrong.map(({ code, outcome, message, failure }) => `doctor: ${code} ${outcome}: ${message} ${failure ?? ''}`)
}

/** A released task whose worktree was on a detached `HEAD` was put back on its branch, as `git switch` does it. */
function returnToBranch({ sandbox, placeOf, model }, task) {
  const { tree, tip } = task
  if (!tip || gitSays(sandbox, placeOf(task)).branch !== branchOf(task)) return
  const [from, to] = [model.commits.get(tree.head).files, model.commits.get(tip).files]
  for (const name of new Set([...from.keys(), ...to.keys()])) {
    if (from.get(name) === to.get(name)) continue
    for (const files of [tree.files, tree.index]) {
      if (to.has(name)) files.set(name, to.get(name))
      else files.delete(name)
    }
  }
  Object.assign(tree, { head: tip, onBranch: true })
  tree.log.add(tip)
}

/** A step that is a call of okstra. */
async function callOkstra(world, step) {
  const task = world.model.tasks[step.task]
  const once = predict(world.model, step)
  const candidates = [once]
  if (step.killed) {
    await killInTheMiddle(world, step, await callOf(world, task, step, once.expected))
    // The dead one may have got to its end: then this is the second time.
    candidates.push(predict(once.after, step))
  }
  const [name, args, line] = await callOf(world, task, step, once.expected)
  const start = Date.now()
  const answer = step.commandLine && line ? await runCommand(world, line) : await world.api.call(name, ...args)
  if (!step.commandLine) world.durations[step.op] = Date.now() - start
  const chosen = candidates.find(({ expected }) => matches(expected, answer))
  if (!chosen) return [`the answer is ${inWords(answer)}; expected: ${JSON.stringify(once.expected)}`]
  world.model = chosen.after
  if (chosen.expected.mayReturn) returnToBranch(world, world.model.tasks[step.task])
  return step.op === 'doctor' ? checkUp(world, answer) : []
}

/** The rows after the registry was damaged: each as it was, or as it was one change before. */
async function damage(world, step) {
  const { sandbox, api, model } = world
  if (!fs.existsSync(sandbox.registryFile)) return []
  const backup = fs.existsSync(`${sandbox.registryFile}.bak`) ? JSON.parse(fs.readFileSync(`${sandbox.registryFile}.bak`, 'utf8')) : { tasks: {} }
  corrupt(sandbox.registryFile, step)
  const { result: rows, error } = await api.call('registry.list')
  if (error) return [`registry.list: ${error.code}: ${error.message}`]
  for (const task of model.tasks) {
    const status = rows.find((row) => row.taskKey === keyOf(task))?.status ?? null
    const before = backup.tasks[keyOf(task)]?.status
    if (status !== task.row && (!status || status !== before)) {
      return [`${task.name}: its row is ${status} after the registry was damaged, and was ${task.row}, before that ${before}`]
    }
    task.row = status
  }
  return []
}

/** Moves a worktree with plain `mv` and lets a check-up tie it to its new place. */
async function relocate(world, task, step) {
  if (!task.tree) return []
  const from = world.placeOf(task)
  task.place = `${task.name}-at-${step.number}`
  fs.renameSync(from, world.placeOf(task))
  const answer = await world.api.call('doctor', { fix: true, root: world.repository })
  if (!answer.ok) return [`doctor: ${answer.error.code}: ${answer.error.message}`]
  const tied = answer.result.findings.some(({ code, outcome }) => code === 'worktree-moved' && outcome === 'fixed')
  return tied ? checkUp(world, answer) : ['doctor does not see that the worktree was moved']
}

/** Does one step; gives what is wrong with the answer. */
async function perform(world, step) {
  const { sandbox, elsewhere, model } = world
  const task = model.tasks[step.task]
  const place = world.placeOf(task)
  if (step.op === 'corrupt') return damage(world, step)
  if (step.op === 'relocate') return relocate(world, task, step)
  if (step.op === 'move-back') {
    moveBack({ place }, task)
    return []
  }
  if (!(step.op in IN_A_TREE)) return callOkstra(world, step)
  const git = (...args) => sandbox.git(place, ...args)
  if (task.tree) IN_A_TREE[step.op]({ git, place, elsewhere, model }, task, step, `${step.op} ${step.number} of ${task.name}\n`)
  return []
}

/** Does the steps until model and reality differ; gives the step and the differences. */
async function walk(steps, { directory, keep }) {
  const world = new World(directory)
  world.placeOf = world.placeOf.bind(world)
  let violations = []
  try {
    for (const [i, step] of steps.entries()) {
      const last = i === steps.length - 1
      const thorough = last || i % THOROUGH === THOROUGH - 1
      violations = await perform(world, step)
      if (violations.length === 0) violations = await checkAll(world, thorough)
      if (thorough) violations.push(...changedSentinels(world.sentinels, world.readSentinels()))
      if (violations.length > 0) return { violations, at: i, kept: keep && world.sandbox.directory }
    }
    return { violations }
  } finally {
    await world.dispose(keep && violations.length > 0)
  }
}

const draw = (seed, count) => {
  const random = createRandom(seed)
  return Array.from({ length: count }, (_, number) => drawStep(random, TASKS, number))
}

/** Drops steps while what is left still fails. */
async function shrink(steps, failure, place, attempts = 60) {
  let [shortest, found] = [steps.slice(0, failure.at + 1), failure]
  for (let i = shortest.length - 2; i >= 0 && attempts > 0; i--, attempts--) {
    const shorter = shortest.toSpliced(i, 1)
    const result = await walk(shorter, { ...place, keep: false })
    if (result.violations.length > 0) [shortest, found] = [shorter.slice(0, result.at + 1), result]
    i = Math.min(i, shortest.length - 1)
  }
  return { steps: shortest.map(describe), violations: found.violations }
}

module.exports = { draw, shrink, walk }
