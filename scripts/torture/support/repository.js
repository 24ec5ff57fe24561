'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const { createRandom } = require('./random')

const WORDS = 'task branch tree commit phase group index object lease agent review merge build fetch'.split(' ')

/** Text of about `size` bytes in lines. */
function text(random, size) {
  let content = ''
  while (content.length < size) {
    content += `${random.pick(WORDS)} ${random.pick(WORDS)} ${random.between(0, 99999)}\n`
  }
  return content
}

/** File sizes as source trees have them: a median of 1.5 kB and a long tail. */
const fileSize = (random) => Math.round(1500 * Math.exp((random.next() + random.next() + random.next() - 1.5) * 1.6))

/** The input of `git fast-import` for one commit with `files` files. */
function fastImport(random, files) {
  const parts = [
    'commit refs/heads/main\n',
    'committer okstra <okstra@example.invalid> 1700000000 +0000\n',
    'data 6\nfiles\n\n',
  ]
  const add = (name, content) => {
    parts.push(`M 100644 inline ${name}\ndata ${Buffer.byteLength(content)}\n${content}\n`)
  }
  add('.gitignore', '*.log\n.scratch/\n')
  for (let i = 0; i < files; i++) {
    // 40 files a directory, 25 directories a directory above.
    add(`src/part-${Math.floor(i / 1000)}/unit-${Math.floor(i / 40)}/file-${i}.txt`, text(random, fileSize(random)))
  }
  return parts.join('')
}

/** Makes a repository with one commit of `files` files on `main`, checked out, and gives its path. */
function createRepository(sandbox, { name = 'repository', files, seed = 1 }) {
  const directory = sandbox.path(name)
  sandbox.git(sandbox.directory, 'init', '-q', '-b', 'main', directory)
  const input = fastImport(createRandom(seed), files)
  const options = { cwd: directory, env: sandbox.environment, input, encoding: 'utf8' }
  const { status, stderr } = spawnSync('git', ['fast-import', '--quiet'], options)
  if (status !== 0) throw new Error(`git fast-import: ${stderr}`)
  sandbox.git(directory, 'reset', '-q', '--hard')
  return directory
}

const read = (file) => {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (error) {
    return `(${error.code})`
  }
}

/**
 * Puts everything that must never change into a repository: an uncommitted, a staged, an untracked and an ignored file
 * in the main worktree, the same in a worktree that git made, and a branch of its own.
 *
 * @returns {() => Record<string, string>} reads it all; two readings must be equal
 */
function plantSentinels(sandbox, repository) {
  const other = sandbox.path(`${path.basename(repository)}-sentinel`)
  sandbox.git(repository, 'worktree', 'add', '-q', '-b', 'sentinel-tree', other)
  fs.mkdirSync(path.join(repository, '.scratch'))
  fs.writeFileSync(path.join(repository, '.scratch', 'shared.txt'), 'shared between all worktrees\n')
  const files = ['src/part-0/unit-0/file-0.txt', 'staged.txt', 'untracked.txt', 'ignored.log']
  for (const tree of [repository, other]) {
    for (const file of files) fs.writeFileSync(path.join(tree, file), `sentinel ${file} of ${tree}\n`)
    sandbox.git(tree, 'add', 'staged.txt')
    fs.writeFileSync(path.join(tree, 'staged.txt'), 'changed after it was staged\n')
  }
  const blob = sandbox.git(repository, 'hash-object', '-w', '--', 'untracked.txt')
  sandbox.git(repository, 'branch', 'sentinel-branch', 'HEAD')
  return () => {
    const seen = { shared: read(path.join(repository, '.scratch', 'shared.txt')) }
    for (const tree of [repository, other]) {
      for (const file of files) seen[`${tree}: ${file}`] = read(path.join(tree, file))
      seen[`${tree}: status`] = sandbox.tryGit(tree, 'status', '--porcelain', '--ignored').stdout
      seen[`${tree}: staged`] = sandbox.tryGit(tree, 'ls-files', '--stage', 'staged.txt').stdout
    }
    const refs = ['for-each-ref', '--format=%(refname) %(objectname)', 'refs/heads/main', 'refs/heads/sentinel-*']
    seen.branches = sandbox.tryGit(repository, ...refs).stdout
    seen.head = sandbox.tryGit(repository, 'symbolic-ref', 'HEAD').stdout
    seen.blob = sandbox.tryGit(repository, 'cat-file', '-t', blob).stdout
    return seen
  }
}

/** What differs between two readings of the sentinels, in words. */
function changedSentinels(before, after) {
  return Object.keys(before)
    .filter((name) => before[name] !== after[name])
    .map((name) => `sentinel changed: ${name}: ${JSON.stringify(before[name])} -> ${JSON.stringify(after[name])}`)
}

module.exports = { changedSentinels, createRepository, plantSentinels }
