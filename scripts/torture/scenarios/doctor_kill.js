'use strict'

const fs = require('node:fs')
const path = require('node:path')

const { contents, missing } = require('../support/contents')
const { DAMAGES } = require('../support/damages')
const { killSession, sessionEnds, sleepBlocking, startWorker } = require('../support/processes')
const { complaint, startProvision } = require('../support/provisioning')
const { createRandom } = require('../support/random')
const { createRepository, plantSentinels } = require('../support/repository')
const { Sandbox } = require('../support/sandbox')

const TASKS = 5
const RUNS_PER_STAGE = 12
// What repairs replace: okstra's and git's own notes about where things are, and what git appends to.
const OWN = /\/(registry\.json|history\.jsonl|okstra\.json|gitdir|locked|exclude|HEAD|index|foreign)[^/]*$|\/\.git$|\/logs\/|\/state\/|\.owner$|\/refs\/|\/foreign\//

class Clinic {
  constructor(files, directory) {
    this.sandbox = new Sandbox('doctor', directory)
    this.repository = createRepository(this.sandbox, { files })
    plantSentinels(this.sandbox, this.repository)
    this.tasks = []
  }

  async provision(task) {
    const child = startProvision(this.sandbox, this.repository, task)
    await child.ready
    child.go()
    const end = await child.finish()
    return { ...end, answer: child.answer() }
  }

  async furnish() {
    for (let i = 0; i < TASKS; i++) {
      const end = await this.provision(`task-${i}`)
      if (complaint(end)) throw new Error(complaint(end))
      const { path: tree, branch } = end.answer.result
      fs.writeFileSync(path.join(tree, 'work.txt'), `uncommitted work ${i}\n`)
      fs.writeFileSync(path.join(tree, 'src', 'committed.txt'), `committed work ${i}\n`)
      this.sandbox.git(tree, 'add', 'src/committed.txt')
      this.sandbox.git(tree, 'commit', '-q', '-m', `work ${i}`)
      const admin = path.join(this.repository, '.git', 'worktrees', `task-${i}`)
      this.tasks.push({ tree, branch, admin, commit: this.sandbox.git(tree, 'rev-parse', 'HEAD') })
    }
  }

  doctor(how = 'fix') {
    return startWorker('doctor.js', [this.repository, how], { env: this.sandbox.environment, session: true })
  }

  async report(how) {
    const child = this.doctor(how)
    await child.ready
    child.go()
    await child.finish()
    const answer = child.answer()
    return answer ?? { ok: false, error: { code: 'none', message: `no answer: ${child.stderr}` } }
  }

  /** Breaks a few things, a provision that is killed among them. */
  async damage(random, mayKill = true) {
    const left = random.shuffled(this.tasks)
    const pick = () => left[0] === undefined ? this.tasks[0] : left.length > 1 ? left.shift() : left[0]
    const names = random.shuffled(Object.keys(DAMAGES)).slice(0, random.between(2, 5))
    // The place of a moved tree stands in git's data and in the registry; without both nobody can know whose it is.
    const blind = names.includes('torn registry') && names.includes('forgotten')
    if (blind) names.splice(names.indexOf('torn registry'), 1)
    for (const name of names) DAMAGES[name](this.sandbox, { repository: this.repository, pick, random })
    if (mayKill && random.next() < 0.4) {
      const child = startProvision(this.sandbox, this.repository, `new-${random.between(1, 1e9)}`)
      await child.ready
      child.go()
      sleepBlocking(random.next() * 60)
      killSession(child.pid)
      await sessionEnds(child.pid)
      names.push('killed provision')
    }
    return names
  }

  dispose() {
    this.sandbox.dispose()
  }
}

async function killChain(clinic, seed, tally) {
  const random = createRandom(seed)
  const names = await clinic.damage(random)
  const before = contents(clinic.sandbox.directory)
  for (const [hash, file] of before) if (OWN.test(file)) before.delete(hash)
  const story = []
  for (let left = random.between(1, 3); left > 0; left--) {
    const child = clinic.doctor()
    await child.ready
    child.go()
    const delay = random.next() * 1.2 * clinic.duration
    sleepBlocking(delay)
    killSession(child.pid)
    await sessionEnds(child.pid)
    // Only then all it wrote has arrived, and an answer tells that the kill came too late.
    await child.done
    tally.kills++
    if (child.answer() === null) tally.landed++
    story.push(`${delay.toFixed(1)} ms`)
  }
  const violations = await judge(clinic, before)
  return violations.map((one) => `seed ${seed} (${names.join(', ')}; killed at ${story.join(', ')}): ${one}`)
}

async function judge(clinic, before) {
  const { sandbox, repository, tasks } = clinic
  const violations = []
  const mended = await clinic.report()
  if (!mended.ok) return [`the next call failed: ${mended.error.code}: ${mended.error.message}`]
  for (const { code, outcome, failure, message } of mended.report.findings) {
    if (outcome === 'failed') violations.push(`${code} could not be mended: ${failure} (${message})`)
  }
  const second = await clinic.report('look')
  if (!second.ok) return [...violations, `the check failed: ${second.error.message}`]
  for (const { code, severity, outcome, message } of second.report.findings) {
    if (severity !== 'note') violations.push(`still found: ${code} (${outcome}): ${message}`)
  }
  violations.push(...missing(before, contents(sandbox.directory)).map((file) => `lost: ${file}`))
  const commits = new Set(sandbox.git(repository, 'rev-list', '--all').split('\n'))
  for (const { tree, branch, commit } of tasks) {
    if (!commits.has(commit)) violations.push(`the commit of ${branch} is reachable from nothing`)
    const { status, stdout, stderr } = sandbox.tryGit(tree, 'status', '--porcelain')
    if (status !== 0 || stdout.trim() !== '?? work.txt') violations.push(`git status in ${tree}: ${status}: ${stdout}${stderr}`)
  }
  const fsck = sandbox.tryGit(repository, 'fsck', '--connectivity-only')
  // The torn foreign entry has no HEAD, and is left to whoever made it.
  const told = fsck.stderr.replace(/^error: worktrees\/foreign\/HEAD: .*\n?/gm, '')
  if (/error|fatal/.test(told)) violations.push(`fsck: ${told.trim()}`)
  return violations
}

/** SIGKILL at random during `doctor --fix`: nothing is lost, and the next call completes. */
async function killDoctor({ runs, files, seed, keep, directory, progress }) {
  const tally = { kills: 0, landed: 0 }
  const violations = []
  let clinic
  for (let run = 0; run < runs; run++) {
    progress?.('doctor-kill', run, runs)
    if (run % RUNS_PER_STAGE === 0) {
      clinic?.dispose()
      clinic = new Clinic(files, directory)
      await clinic.furnish()
      await clinic.damage(createRandom(seed + run), false)
      clinic.duration = (await clinic.report()).milliseconds ?? 200
    }
    const found = await killChain(clinic, seed + run, tally)
    violations.push(...found)
    if (found.length > 0) {
      // What is broken now would be told again by every later run.
      if (keep) violations.push(`kept: ${clinic.sandbox.directory}`)
      else clinic.dispose()
      clinic = undefined
      run += RUNS_PER_STAGE - 1 - (run % RUNS_PER_STAGE)
    }
  }
  clinic?.dispose()
  progress?.('doctor-kill', runs, runs)
  return {
    name: 'doctor-kill',
    bar: `0 violations in ${runs} runs`,
    figure: `${violations.length} violations after ${tally.kills} kills (${tally.landed} inside the call)`,
    violations,
  }
}

module.exports = { run: killDoctor }
