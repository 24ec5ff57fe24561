'use strict'
// One repository, two accounts, each with a home of its own.

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { BIN, sandbox } = require('./helpers/repository.js')

const GROUP = 2000
const [ONE, TWO] = [1001, 1002]
const able = process.getuid?.() === 0 && spawnSync('setpriv', ['--version']).status === 0
const skip = able ? false : 'needs root and setpriv'

/** A repository that is shared in the given way, and a command line for each account. */
function stage(t, shared) {
  const box = sandbox(t)
  fs.chmodSync(box.dir, 0o755)
  fs.chmodSync(box.home, 0o755)
  const main = box.repository('shop', { files: { 'a.txt': 'a\n' } })
  box.git(['config', 'core.sharedRepository', shared], { cwd: main })
  const give = (place) => {
    const stat = fs.lstatSync(place)
    fs.lchownSync(place, 0, GROUP)
    if (stat.isDirectory()) {
      fs.chmodSync(place, 0o2775)
      for (const name of fs.readdirSync(place)) give(path.join(place, name))
    } else if (!stat.isSymbolicLink()) {
      fs.chmodSync(place, stat.mode | 0o060)
    }
  }
  give(main)
  const as = (user, ...args) => {
    const home = path.join(box.dir, `home-${user}`)
    if (!fs.existsSync(home)) {
      fs.mkdirSync(home)
      fs.writeFileSync(path.join(home, 'config'), '[safe]\n\tdirectory = *\n')
      for (const place of [home, path.join(home, 'config')]) fs.chownSync(place, user, GROUP)
    }
    const env = { ...box.env, HOME: home, OKSTRA_HOME: path.join(home, '.okstra'), GIT_CONFIG_GLOBAL: path.join(home, 'config') }
    const command = ['--reuid', user, '--regid', GROUP, '--clear-groups', 'sh', '-c', 'umask 022; exec "$@"', 'sh']
    const node = [process.execPath, BIN, ...args]
    const { status, stdout, stderr } = spawnSync('setpriv', [...command, ...node].map(String), { cwd: main, env, encoding: 'utf8' })
    return { status, stdout, stderr }
  }
  const does = (user, ...args) => {
    const { status, stdout, stderr } = as(user, ...args)
    assert.equal(status, 0, `${user} ${args.join(' ')}: ${stdout}${stderr}`)
    return stdout
  }
  return { ...box, main, as, does, common: path.join(main, '.git') }
}

/** Everything of okstra's in the git directory, with its mode. */
function modes(common) {
  const found = []
  const visit = (place, ours) => {
    for (const name of fs.readdirSync(place)) {
      const inner = path.join(place, name)
      const stat = fs.lstatSync(inner)
      const is = ours || name.startsWith('okstra') || name === 'locked' || name === 'exclude'
      if (is && !stat.isSymbolicLink()) found.push([path.relative(common, inner), stat])
      if (stat.isDirectory() && name !== 'objects') visit(inner, is)
    }
  }
  visit(common, false)
  return found
}

for (const shared of ['group', 'all', '0660']) {
  test(`every account of a group does everything in a repository that is shared (${shared})`, { skip }, (t) => {
    const { does, as, common } = stage(t, shared)
    for (const [user, task] of [[ONE, 'a'], [TWO, 'b']]) {
      does(user, 'provision', `p/g/${task}`, '--phase', 'one')
      does(user, 'remove', `p/g/${task}`)
    }
    for (const [user, task] of [[TWO, 'b'], [ONE, 'a']]) {
      does(user, 'restore', `p/g/${task}`)
      does(user, 'provision', `p/g/${task}`, '--phase', 'two')
      does(user, 'doctor', '--fix')
      does(user, 'remove', `p/g/${task}`)
      does(user, 'prune', '--yes', '--older-than', '0')
      does(user, 'provision', `p/g/${task}2`, '--phase', 'one')
      does(user, 'doctor')
    }
    for (const [name, stat] of modes(common)) {
      const [wanted, what] = stat.isDirectory() ? [0o2070, 'directory'] : [stat.mode & 0o200 ? 0o060 : 0o040, 'file']
      assert.equal(stat.mode & wanted, wanted, `${what} ${name}: ${(stat.mode & 0o7777).toString(8)}`)
      assert.equal(stat.gid, GROUP, name)
    }
    assert.ok(modes(common).length > 0)
    // The branch of the other's task is told of as what it is.
    const refused = as(ONE, 'provision', 'p/g/b2', '--phase', 'one', '--json')
    const { error } = JSON.parse(refused.stdout)
    assert.equal(error.code, 'OKSTRA_BRANCH_CHECKED_OUT')
    assert.match(error.message, /home-1002.*p\/g\/b2 in another okstra home/)
    assert.match(error.hint, /Use another task id or category/)
    does(ONE, 'provision', 'p/g/b2', '--phase', 'one', '--category', 'bug')
  })
}
