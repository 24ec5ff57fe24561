'use strict'

const fs = require('node:fs')
const path = require('node:path')

const { intents } = require('../support/invariants')
const { contents, differences, gitState, manifest } = require('../support/manifest')
const { kill, killDescendants, killSession, sessionEnds, sleepBlocking } = require('../support/processes')
const { createRandom } = require('../support/random')
const { changedSentinels, createRepository, plantSentinels } = require('../support/repository')
const { Sandbox } = require('../support/sandbox')
const { TaskProcess, named, wanted } = require('../support/tasks')

const strike = { owner: kill, session: killSession, git: killDescendants }
const FILE = 'src/part-0/unit-0/file-0.txt'

/** A place for many runs: one repository, one process that is never killed, and one that stands ready to be. */
class Ground {
  constructor(name, { files, directory, environment = {} }) {
    this.sandbox = new Sandbox(name, directory)
    this.environment = environment
    this.repository = createRepository(this.sandbox, { files })
    this.readSentinels = plantSentinels(this.sandbox, this.repository)
    this.sentinels = this.readSentinels()
    this.safe = new TaskProcess(this.sandbox, environment)
    this.next = new TaskProcess(this.sandbox, environment)
    this.times = {}
  }

  async victim() {
    const process = this.next
    this.next = new TaskProcess(this.sandbox, this.environment)
    await process.ready
    return process
  }

  /** A task with work of every kind in it; `random` decides what else. */
  async dirtyTask(task, random) {
    const { path: tree, branch } = await this.safe.must('provisionTaskWorktree', wanted(this.repository, task))
    const git = (...args) => this.sandbox.git(tree, ...args)
    const write = (name, content) => fs.writeFileSync(path.join(tree, name), content)
    write('committed', `committed in ${task}\n`)
    git('add', 'committed')
    git('commit', '-qm', task)
    if (random.next() < 0.3) git('commit', '-q', '--amend', '-m', `${task} amended`)
    if (random.next() < 0.3) git('checkout', '-q', '--detach')
    if (random.next() < 0.3) {
      write('committed', 'another commit\n')
      git('commit', '-qam', 'another')
      write('committed', 'yet another\n')
      git('commit', '-qam', 'yet another')
      this.sandbox.tryGit(tree, 'revert', '--no-edit', 'HEAD~1')
    }
    write('staged', `staged in ${task}\n`)
    git('add', 'staged')
    write('staged', `changed after it was staged in ${task}\n`)
    write(FILE, `changed in ${task}\n`)
    write('untracked', `untracked in ${task}\n`)
    fs.chmodSync(path.join(tree, 'untracked'), 0o640)
    write('ignored.log', `secret of ${task}\n`)
    fs.symlinkSync('/nowhere', path.join(tree, 'link'))
    const commits = git('log', '-g', '--format=%H', 'HEAD').split('\n')
    return { task, tree, branch, commits, files: manifest(tree), git: gitState(this.sandbox, tree), hashes: contents([tree]) }
  }

  /** Starts a call in a process of its own and kills at a random moment; gives what was killed and when. */
  async killed(random, call, options, duration) {
    const process = await this.victim()
    const who = random.pick(['owner', 'session', 'git'])
    const delay = random.next() * 1.2 * duration
    process.start(call, options)
    sleepBlocking(delay)
    const reached = strike[who](process.pid)
    const answer = who === 'git' ? await process.answer() : null
    if (who === 'git') process.end()
    return { session: process.pid, story: `${who} at ${delay.toFixed(1)} ms`, landed: who === 'git' ? reached > 0 : process.child.stdout.split('\n').length < 3, answer }
  }

  /** Is every content and every commit of a task somewhere, at this very moment? */
  missing({ tree, hashes, commits }) {
    const there = contents([tree, path.join(this.sandbox.home, 'worktrees', '.trash')])
    const lost = [...hashes].filter((hash) => !there.has(hash)).map((hash) => `content ${hash.slice(0, 12)} is nowhere`)
    for (const commit of commits) {
      if (this.sandbox.tryGit(this.repository, 'cat-file', '-e', commit).status !== 0) lost.push(`commit ${commit} is nowhere`)
    }
    return lost
  }

  /** Is a task exactly as it was? */
  changed({ tree, files, git }) {
    if (!fs.existsSync(tree)) return [`${tree} is not there`]
    return [...differences(files, manifest(tree)), ...differences(git, gitState(this.sandbox, tree))]
  }

  /** Is nothing left in anybody's way? */
  async leftovers(sessions) {
    const violations = intents(this.sandbox).map((name) => `intent left: ${name}`)
    for (const session of sessions) {
      for (const { pid, name } of await sessionEnds(session)) {
        violations.push(`a process was left: ${name}`)
        kill(pid)
      }
    }
    const find = (directory) => {
      for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
        const place = path.join(directory, entry.name)
        if (entry.isDirectory()) {
          if (entry.name !== 'objects') find(place)
        } else if (entry.name.endsWith('.lock')) violations.push(`left behind: ${path.relative(this.repository, place)}`)
      }
    }
    find(path.join(this.repository, '.git'))
    const listed = this.sandbox.tryGit(this.repository, 'worktree', 'list')
    if (listed.status !== 0) violations.push(`git worktree list: ${listed.stderr}`)
    violations.push(...changedSentinels(this.sentinels, this.readSentinels()))
    return violations
  }

  async dispose(keep) {
    this.safe.end()
    this.next.end()
    if (!keep) this.sandbox.dispose()
    return keep ? this.sandbox.directory : null
  }
}

const removal = (task, more = {}) => named(task, { force: true, ...more })

/** The remove of one task dies; then it is removed again, and comes back as it was. */
async function killRemove(ground, seed, tally) {
  const random = createRandom(seed)
  const one = await ground.dirtyTask(`remove-${seed}`, random)
  // The next call may be another one than the same. A provision makes a deleted branch anew, at another commit, so that
  // HEAD could not come back to it.
  const next = random.pick(['removeTask', 'restoreTask', 'provisionTaskWorktree'])
  const deleteBranch = next !== 'provisionTaskWorktree' && random.next() < 0.4
  const blow = await ground.killed(random, 'removeTask', removal(one.task, { deleteBranch }), ground.times.remove)
  const violations = ground.missing(one)
  tally(blow)
  if (next === 'removeTask') {
    const again = await ground.safe.call('removeTask', removal(one.task, { deleteBranch }))
    if (!again.ok) violations.push(`the next call failed: ${again.error.code}: ${again.error.message}`)
    violations.push(...ground.missing(one))
  } else if (next === 'provisionTaskWorktree') {
    const answer = await ground.safe.call('provisionTaskWorktree', wanted(ground.repository, one.task))
    if (!answer.ok) violations.push(`the next provision failed: ${answer.error.code}: ${answer.error.message}`)
    else if (answer.result.status !== 'reused') {
      const removed = await ground.safe.call('removeTask', named(one.task))
      if (!removed.ok) violations.push(`the clean worktree was not removed: ${removed.error.message}`)
    }
    violations.push(...ground.missing(one))
  }
  violations.push(...(await bringBack(ground, one)))
  return { violations, story: `${blow.story}, then ${next}`, session: blow.session, one }
}

/** Restores a task wherever it is: the entry that holds its work, which need not be the newest. */
async function bringBack(ground, one) {
  if (fs.existsSync(one.tree)) {
    // Taken back, or finished and brought back already.
    const settled = await ground.safe.call('restoreTask', named(one.task))
    if (!settled.ok && settled.error.code !== 'OKSTRA_KEY_EXISTS') return [`restore: ${settled.error.code}: ${settled.error.message}`]
  } else {
    const entries = await ground.safe.must('listTrash', { taskKey: `torture/group/${one.task}` })
    const dirty = entries.filter(({ untracked }) => untracked > 0)
    const answer = await ground.safe.call('restoreTask', named(one.task, dirty.length > 0 ? { from: dirty[0].id } : {}))
    // A removal that was being recovered may not be in the list yet; a restore that died may be done by now.
    if (!answer.ok && answer.error.code !== 'OKSTRA_KEY_EXISTS') return [`restore: ${answer.error.code}: ${answer.error.message}`]
  }
  return ground.changed(one)
}

/** The restore of one task dies; the next one brings it back as it was. */
async function killRestore(ground, seed, tally) {
  const random = createRandom(seed)
  const one = await ground.dirtyTask(`restore-${seed}`, random)
  await ground.safe.must('removeTask', removal(one.task, { deleteBranch: random.next() < 0.4 }))
  const blow = await ground.killed(random, 'restoreTask', named(one.task), ground.times.restore)
  const violations = ground.missing(one)
  tally(blow)
  violations.push(...(await bringBack(ground, one)))
  return { violations, story: blow.story, session: blow.session, one }
}

/** A prune dies; the next one finishes it, and touches nothing that is not past its days. */
async function killPrune(ground, seed, tally) {
  const random = createRandom(seed)
  const [old, young] = [await ground.dirtyTask(`old-${seed}`, random), await ground.dirtyTask(`young-${seed}`, random)]
  const removed = await ground.safe.must('removeTask', removal(old.task))
  await ground.safe.must('removeTask', removal(young.task))
  const place = path.join(ground.sandbox.home, 'worktrees', '.trash')
  const file = path.join(place, removed.trashId, 'record.json')
  fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(fs.readFileSync(file, 'utf8')), at: '2020-01-01T00:00:00.000Z' }))
  const orphan = path.join(ground.sandbox.home, 'worktrees', 'torture', 'group', `orphan-${seed}`)
  fs.mkdirSync(orphan)
  fs.writeFileSync(path.join(orphan, 'content'), `orphan ${seed}\n`)
  const kept = contents([orphan])
  const blow = await ground.killed(random, 'prune', { apply: true }, ground.times.prune)
  tally(blow)
  const violations = ground.missing(young)
  const lost = () => [...kept].filter((hash) => !contents([orphan, place]).has(hash)).map(() => 'the orphan is nowhere')
  violations.push(...lost())
  const again = await ground.safe.call('prune', { apply: true })
  if (!again.ok) violations.push(`the next prune failed: ${again.error.code}: ${again.error.message}`)
  else violations.push(...again.result.filter(({ done }) => !done).map(({ id, outcome }) => `${id} stays: ${outcome}`))
  violations.push(...lost())
  if (fs.existsSync(path.join(place, removed.trashId))) violations.push('the old entry is still there')
  violations.push(...fs.readdirSync(place).filter((name) => name.startsWith('.purging')).map((name) => `left: ${name}`))
  if (ground.sandbox.tryGit(ground.repository, 'cat-file', '-e', `refs/okstra/trash/${removed.trashId.split('-')[1]}`).status === 0) {
    violations.push('the ref of the old entry is still there')
  }
  if (ground.sandbox.tryGit(ground.repository, 'rev-parse', '--verify', '-q', `refs/heads/${old.branch}`).status !== 0) {
    violations.push('the branch of the old entry is gone')
  }
  violations.push(...(await bringBack(ground, young)))
  return { violations, story: blow.story, session: blow.session, one: young }
}

const SCENES = { remove: killRemove, restore: killRestore, prune: killPrune }

/** How long each call takes here and now, in milliseconds: the median of three. */
async function measure(ground) {
  const times = { remove: [], restore: [], prune: [] }
  for (let i = 0; i < 3; i++) {
    const { task } = await ground.dirtyTask(`measure-${i}`, createRandom(i))
    times.remove.push((await ground.safe.call('removeTask', removal(task))).milliseconds)
    times.restore.push((await ground.safe.call('restoreTask', named(task))).milliseconds)
    times.prune.push((await ground.safe.call('prune', { apply: true })).milliseconds)
    await ground.safe.must('removeTask', removal(task))
  }
  const median = (list) => list.sort((a, b) => a - b)[1]
  ground.times = { remove: median(times.remove), restore: median(times.restore), prune: median(times.prune) + median(times.remove) }
}

/** A scenario that kills one of the three calls at random moments. */
function scenario(name) {
  return async ({ runs, files, seed, keep, directory, progress, perGround = 30 }) => {
    const violations = []
    const count = { landed: 0 }
    const tally = ({ landed }) => (count.landed += landed ? 1 : 0)
    for (let start = 0; start < runs; ) {
      const ground = new Ground(`${name}-kill`, { files, directory })
      let bad = []
      try {
        await measure(ground)
        for (const end = Math.min(start + perGround, runs); start < end && bad.length === 0; start++) {
          const { violations: found, story, session } = await SCENES[name](ground, seed + start, tally)
          bad = [...found, ...(await ground.leftovers([session]))].map((one) => `seed ${seed + start} (${story}): ${one}`)
          progress?.(`${name}-kill`, start + 1, runs)
        }
        const fsck = ground.sandbox.tryGit(ground.repository, 'fsck', '--connectivity-only', '--no-dangling')
        if (fsck.status !== 0) bad.push(`git fsck: ${fsck.stderr}`)
      } finally {
        const kept = await ground.dispose(keep && bad.length > 0)
        if (kept) bad.push(`kept for a look: ${kept}`)
      }
      violations.push(...bad)
    }
    return {
      name: `${name}-kill`,
      bar: `0 violations in ${runs} runs`,
      figure: `${violations.length} violations after ${runs} kills (${count.landed} inside the call)`,
      violations,
    }
  }
}

module.exports = { remove: scenario('remove'), restore: scenario('restore'), prune: scenario('prune') }
