'use strict'

// Ways in which a worktree, a repository or the registry breaks, each of which a check-up mends. None of them destroys
// anything that somebody made.

const fs = require('node:fs')
const path = require('node:path')

const AN_HOUR_AGO = () => new Date(Date.now() - 3_600_000)

function old(file, content = '') {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, content)
  fs.utimesSync(file, AN_HOUR_AGO(), AN_HOUR_AGO())
}

/** By name: `(sandbox, { repository, tasks, random })`, `tasks` being `{ tree, admin, branch }`. */
const DAMAGES = {
  forgotten: (_, { pick }) => fs.rmSync(pick().admin, { recursive: true }),
  'no branch': (sandbox, { repository, pick }) => sandbox.tryGit(repository, 'update-ref', '-d', `refs/heads/${pick().branch}`),
  moved: (_, { pick, random }) => {
    const task = pick()
    const tree = `${task.tree.replace(/~.*$/, '')}~${random.between(1, 1e6)}`
    fs.renameSync(task.tree, tree)
    task.tree = tree
  },
  'no index': (_, { pick }) => fs.rmSync(path.join(pick().admin, 'index'), { force: true }),
  'no record': (_, { pick }) => fs.rmSync(path.join(pick().admin, 'okstra.json'), { force: true }),
  'no exclude block': (_, { repository }) => fs.writeFileSync(path.join(repository, '.git/info/exclude'), '# mine\n'),
  'dangling link': (sandbox, { pick }) => {
    const link = path.join(pick().tree, '.scratch')
    fs.rmSync(link, { force: true })
    fs.symlinkSync(sandbox.path('nowhere', '.scratch'), link)
  },
  'torn registry': (sandbox) => {
    const text = fs.readFileSync(sandbox.registryFile)
    fs.writeFileSync(sandbox.registryFile, text.subarray(0, Math.floor(text.length / 2)))
  },
  'open home': (sandbox) => fs.chmodSync(sandbox.home, 0o777),
  'torn commondir': (_, { repository }) => {
    const admin = path.join(repository, '.git/worktrees/foreign')
    old(path.join(admin, 'locked'), 'initializing')
    old(path.join(admin, 'commondir'))
  },
  'stale locks': (_, { repository, pick }) => {
    old(path.join(repository, '.git/packed-refs.lock'))
    old(path.join(repository, '.git/config.lock'))
    const { admin } = pick()
    if (fs.existsSync(admin)) old(path.join(admin, 'index.lock'), `staged in ${admin} at ${Date.now()}\n`)
  },
}

module.exports = { DAMAGES }
