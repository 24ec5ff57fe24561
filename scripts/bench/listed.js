'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const { createRepository } = require('../torture/support/repository')
const { Sandbox } = require('../torture/support/sandbox')
const { milliseconds, median } = require('./measure')

// One in so many worktrees has a changed and an untracked file, and a commit of its own.
const DIRTY = 10

function provisioned(addon, repository, count) {
  return Array.from({ length: count }, (_, i) => {
    const { path: tree } = addon.provisionTaskWorktreeSync({
      taskType: 'implementation',
      projectRoot: repository,
      projectId: 'bench',
      taskGroupSegment: 'listed',
      taskIdSegment: `task-${i}`,
      workCategory: 'feature',
    })
    return tree
  })
}

function work(sandbox, tree) {
  fs.writeFileSync(path.join(tree, 'committed.txt'), 'committed\n')
  sandbox.git(tree, 'add', 'committed.txt')
  sandbox.git(tree, 'commit', '-q', '-m', 'work')
  fs.appendFileSync(path.join(tree, 'src/part-0/unit-0/file-0.txt'), 'changed\n')
  fs.writeFileSync(path.join(tree, 'new.txt'), 'new\n')
}

/**
 * The time of a whole `list`, in turn with `git status --porcelain` in each worktree, one after the other. The first round
 * warms up. Both must find the same worktrees dirty.
 */
function benchListed(addon, { worktrees, files, rounds, bar }) {
  const sandbox = new Sandbox('bench')
  try {
    Object.assign(process.env, sandbox.environment)
    const repository = createRepository(sandbox, { files, seed: 1 })
    fs.mkdirSync(path.join(repository, '.scratch'))
    const trees = provisioned(addon, repository, worktrees)
    trees.filter((_, i) => i % DIRTY === 0).forEach((tree) => work(sandbox, tree))
    const seen = { git: 0, okstra: 0 }
    const ways = {
      git() {
        const dirty = (tree) => {
          const options = { cwd: tree, env: sandbox.environment, encoding: 'utf8' }
          const { status, stdout, stderr } = spawnSync('git', ['status', '--porcelain'], options)
          if (status !== 0) throw new Error(`git status in ${tree}: ${stderr}`)
          return stdout !== ''
        }
        seen.git = trees.filter(dirty).length
      },
      okstra() {
        const tasks = addon.surveyTasksSync()
        if (tasks.length !== worktrees) throw new Error(`${tasks.length} tasks are listed`)
        seen.okstra = tasks.filter(({ work: counts }) => counts.changed > 0).length
      },
    }
    const times = { git: [], okstra: [] }
    for (let round = 0; round <= rounds; round++) {
      for (const name of round % 2 === 0 ? ['git', 'okstra'] : ['okstra', 'git']) {
        const taken = milliseconds(ways[name])
        if (round > 0) times[name].push(taken)
      }
      if (seen.git !== seen.okstra) throw new Error(`git finds ${seen.git} dirty, okstra ${seen.okstra}`)
    }
    const git = median(times.git)
    const note = `${rounds} runs in turn, ${seen.git} of them dirty`
    return ['git', 'okstra'].map((name) => ({
      what: name === 'okstra' ? `list, ${worktrees} worktrees` : `git status in ${worktrees}, in a row`,
      median: median(times[name]),
      ratio: median(times[name]) / git,
      bar: name === 'okstra' ? `${bar} x git status` : '',
      met: name === 'okstra' ? median(times[name]) / git <= bar : true,
      note: name === 'okstra' ? note : `${files} files each`,
    }))
  } finally {
    sandbox.dispose()
  }
}

module.exports = { benchListed }
