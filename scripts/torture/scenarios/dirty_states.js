'use strict'

const fs = require('node:fs')
const path = require('node:path')

const { STATES } = require('../support/dirt')
const { differences, gitState, manifest } = require('../support/manifest')
const { changedSentinels, plantSentinels } = require('../support/repository')
const { Sandbox } = require('../support/sandbox')
const { TaskProcess, named, wanted } = require('../support/tasks')

function makeRepository(sandbox) {
  const repository = sandbox.path('repository')
  sandbox.git(sandbox.directory, 'init', '-q', '-b', 'main', repository)
  fs.mkdirSync(path.join(repository, 'src', 'part-0', 'unit-0'), { recursive: true })
  fs.mkdirSync(path.join(repository, 'dir'))
  for (const file of ['a.txt', 'b.txt', 'dir/c.txt', 'src/part-0/unit-0/file-0.txt']) fs.writeFileSync(path.join(repository, file), `${file}\n`)
  fs.writeFileSync(path.join(repository, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 })
  fs.writeFileSync(path.join(repository, '.gitignore'), '.env\n*.log\nnode_modules/\nprivate/\n.scratch/\n')
  sandbox.git(repository, 'add', '.')
  sandbox.git(repository, 'commit', '-qm', 'first')
  return repository
}

/** One state: refused for the right reasons, removed, collected around, brought back; then from the snapshot alone. */
async function visit({ sandbox, repository, tasks }, name, index) {
  const { make, refused, never = false, partial = false, options = {} } = STATES[name]
  const task = `state-${index}`
  const { path: tree } = await tasks.must('provisionTaskWorktree', wanted(repository, task))
  const write = (file, content) => {
    fs.mkdirSync(path.dirname(path.join(tree, file)), { recursive: true })
    fs.writeFileSync(path.join(tree, file), content)
  }
  const git = (...args) => sandbox.git(tree, ...args)
  const tryGit = (...args) => sandbox.tryGit(tree, ...args)
  const undo = make({ tree, git, tryGit, write, sandbox, repository })
  const violations = []
  const look = () => ({ files: manifest(tree), git: gitState(sandbox, tree) })
  const compare = (when, before, after) => {
    for (const part of ['files', 'git']) violations.push(...differences(before[part], after[part]).map((one) => `${when}: ${part}: ${one}`))
  }
  try {
    const before = look()
    const commits = sandbox.tryGit(tree, 'log', '-g', '--format=%H', 'HEAD').stdout.split('\n').filter(Boolean)

    let answer = await tasks.call('removeTask', named(task, options))
    const kinds = answer.ok ? [] : (answer.error.obstacles ?? []).map(({ kind }) => kind)
    if (kinds.join() !== refused.join()) {
      violations.push(`refused for ${kinds.join()}, not ${refused.join()}: ${JSON.stringify(answer.error ?? answer.result)}`)
    }
    if (!answer.ok) compare('refused', before, look())
    if (never) {
      answer = await tasks.call('removeTask', named(task, { ...options, force: true }))
      if (answer.error?.code !== 'OKSTRA_WOULD_LOSE_WORK') violations.push(`force was allowed: ${JSON.stringify(answer)}`)
      compare('refused in spite of force', before, look())
      return violations
    }
    if (!answer.ok) answer = await tasks.call('removeTask', named(task, { ...options, force: true }))
    if (!answer.ok) return [...violations, `not removed: ${answer.error.code}: ${answer.error.message}`]
    if (fs.existsSync(tree)) violations.push('the directory is still there')
    if (sandbox.git(repository, 'worktree', 'list', '--porcelain').includes(tree)) violations.push('git still lists the worktree')
    // Everything that nothing else keeps must hang on the entry's ref.
    sandbox.git(repository, 'reflog', 'expire', '--expire=now', '--all')
    sandbox.git(repository, 'gc', '-q', '--prune=now')
    const fsck = sandbox.tryGit(repository, 'fsck', '--connectivity-only', '--no-dangling')
    if (fsck.status !== 0) violations.push(`git fsck: ${fsck.stderr}`)

    answer = await tasks.call('restoreTask', named(task))
    if (!answer.ok) return [...violations, `not restored: ${answer.error.code}: ${answer.error.message}`]
    if (answer.result.source !== 'trash') violations.push(`restored from the ${answer.result.source}`)
    compare('restored', before, look())
    for (const commit of commits) {
      if (sandbox.tryGit(repository, 'cat-file', '-e', `${commit}^{tree}`).status !== 0) violations.push(`commit ${commit} is lost`)
    }
    if (!partial) violations.push(...(await fromSnapshot({ sandbox, tasks }, task, tree, before, options)))
    return violations
  } finally {
    if (typeof undo === 'function') undo()
  }
}

/** The trash is emptied by hand; what git keeps must be enough. Times are not in it. */
async function fromSnapshot({ sandbox, tasks }, task, tree, before, options) {
  const violations = []
  const withoutTimes = (files) =>
    new Map([...files].map(([name, what]) => [name, what.replace(/^(file) (\d+) (\d+) \d+ \d+ \d+ /, (_, kind, mode, size) => `${kind} ${(Number.parseInt(mode, 8) & 0o100).toString(8)} ${size} `)]))
  const removed = await tasks.call('removeTask', named(task, { ...options, force: true }))
  if (!removed.ok) return [`not removed again: ${removed.error.message}`]
  fs.rmSync(path.join(sandbox.home, 'worktrees', '.trash'), { recursive: true })
  const answer = await tasks.call('restoreTask', named(task))
  if (!answer.ok) return [`not restored from the snapshot: ${answer.error.code}: ${answer.error.message}`]
  const after = manifest(tree)
  violations.push(...differences(withoutTimes(before.files), withoutTimes(after)).map((one) => `from the snapshot: ${one}`))
  const state = gitState(sandbox, tree)
  for (const part of ['status', 'index', 'in words']) {
    if (before.git.get(part) !== state.get(part)) violations.push(`from the snapshot: ${part}: ${JSON.stringify(before.git.get(part))} -> ${JSON.stringify(state.get(part))}`)
  }
  return violations
}

/** Scripted dirty states: each refused for the right reason, and restored byte for byte. */
async function dirtyStates({ sample, keep, directory, progress }) {
  const all = Object.keys(STATES)
  const names = sample ? all.filter((_, index) => index % Math.ceil(all.length / sample) === 0) : all
  const sandbox = new Sandbox('dirt', directory)
  const tasks = new TaskProcess(sandbox)
  const violations = []
  try {
    const repository = makeRepository(sandbox)
    const readAll = plantSentinels(sandbox, repository)
    // The unreachable blob among them is git's to collect.
    const readSentinels = () => ({ ...readAll(), blob: '' })
    const sentinels = readSentinels()
    for (const [index, name] of names.entries()) {
      const found = await visit({ sandbox, repository, tasks }, name, index)
      violations.push(...found.map((one) => `${name}: ${one}`))
      progress?.('dirty-states', index + 1, names.length)
    }
    violations.push(...changedSentinels(sentinels, readSentinels()))
  } finally {
    tasks.end()
    if (!(keep && violations.length > 0)) {
      require('node:child_process').spawnSync('chmod', ['-R', 'u+w', sandbox.directory])
      sandbox.dispose()
    } else violations.push(`kept for a look: ${sandbox.directory}`)
  }
  return {
    name: 'dirty-states',
    bar: `${names.length} states: refused for the right reason, restored byte for byte`,
    figure: `${violations.length} violations in ${names.length} states`,
    violations,
  }
}

module.exports = { run: dirtyStates }
