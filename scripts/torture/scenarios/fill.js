'use strict'

const fs = require('node:fs')

const { ROOT, Sandbox } = require('../support/sandbox')
const { OddRepository } = require('../support/oddities')
const { copied, differences } = require('../support/compare')
const { createRepository } = require('../support/repository')

const UMASKS = [0o022, 0o022, 0o002, 0o077, 0o027, 0]

const ask = (repository, task, baseRef) => ({
  taskType: 'implementation',
  projectRoot: repository,
  projectId: 'fill',
  taskGroupSegment: 'odd',
  taskIdSegment: task,
  workCategory: 'feature',
  ...(baseRef && { baseRef }),
})

function check(sandbox, repository) {
  const { status, stdout, stderr } = sandbox.tryGit(repository, 'fsck', '--no-dangling')
  return status === 0 ? '' : `${stdout}${stderr}`
}

/** Makes the same worktree with git and with okstra, and says what differs. */
function compare(sandbox, addon, repository, { task, base, umask, gitFirst }) {
  const theirs = sandbox.path(`git-${task}`)
  let ours
  let refused
  // git itself finds fault with some of what git has made.
  const sound = check(sandbox, repository)
  const before = process.umask(umask)
  const steps = [
    () => sandbox.tryGit(repository, 'worktree', 'add', '-q', '-b', `git-${task}`, theirs, base ?? 'HEAD'),
    () => {
      try {
        ours = addon.provisionTaskWorktreeSync(ask(repository, task, base)).path
      } catch (error) {
        refused = error
      }
    },
  ]
  let git
  try {
    if (gitFirst) git = steps[0]()
    steps[1]()
    git ??= steps[0]()
  } finally {
    process.umask(before)
  }
  const failed = git.status !== 0
  if (failed !== Boolean(refused)) {
    return { wrong: [`git ended with ${git.status} (${git.stderr.trim()}), okstra ${refused ? `failed: ${refused.message}` : 'made it'}`] }
  }
  if (failed) return { wrong: [] }
  const counts = copied(ours, repository)
  const wrong = differences(sandbox, ours, theirs)
  const fsck = check(sandbox, repository)
  if (fsck !== sound) wrong.push(`git fsck: ${fsck}`)
  return { wrong, ...counts }
}

/**
 * Trees that okstra fills, beside those of `git worktree add`, byte for byte and mode for mode: in repositories in which
 * everything happens that makes a checkout special, and in large ones.
 */
function fill({ repositories, large, seed, directory, keep, progress }) {
  const addon = require(ROOT)
  const violations = []
  const seen = { repositories: 0, withCopies: 0, copied: 0, files: 0 }
  const kept = { ...process.env }
  const judge = (sandbox, repository, details, story) => {
    const result = compare(sandbox, addon, repository, details)
    for (const text of result.wrong) violations.push(`${story}: ${text}`)
    seen.repositories++
    seen.copied += result.copied ?? 0
    seen.files += result.files ?? 0
    if (result.copied > 0) seen.withCopies++
    return result.wrong.length === 0
  }
  try {
    for (let i = 0; i < repositories; i++) {
      const sandbox = new Sandbox('fill', directory)
      let fine = false
      try {
        Object.assign(process.env, sandbox.environment, { OKSTRA_WORKTREE_SYNC_DIRS: '' })
        const odd = new OddRepository(sandbox, (seed + i) >>> 0)
        const details = { base: odd.base(), umask: odd.random.pick(UMASKS), gitFirst: odd.random.next() < 0.5 }
        const story = `seed ${(seed + i) >>> 0} (${odd.told.join(', ')}; base ${details.base}, umask ${details.umask.toString(8)})`
        fine = judge(sandbox, odd.directory, { ...details, task: 'task' }, story)
      } finally {
        if (fine || !keep) sandbox.dispose()
      }
      progress?.('fill', i + 1, repositories)
    }
    for (const files of large ? [5000, 20000, 50000] : []) {
      const sandbox = new Sandbox('fill', directory)
      try {
        Object.assign(process.env, sandbox.environment, { OKSTRA_WORKTREE_SYNC_DIRS: '' })
        const repository = createRepository(sandbox, { files, seed })
        fs.rmSync(`${repository}/src/part-0/unit-0`, { recursive: true })
        judge(sandbox, repository, { task: 'large', umask: 0o022, gitFirst: true }, `${files} files`)
      } finally {
        sandbox.dispose()
      }
    }
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in kept)) delete process.env[name]
    Object.assign(process.env, kept)
  }
  return {
    name: 'fill',
    bar: '0 differences from git worktree add',
    figure: `${seen.repositories} repositories, ${seen.withCopies} of them with copies: ${seen.copied} of ${seen.files} files copied`,
    violations,
  }
}

module.exports = { run: fill }
