'use strict'
// okstra's own directories are never links: what lies in them is moved and deleted.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { apiSandbox, okstra, thrownBy } = require('./helpers/api.js')

const KEY = { projectId: 'shop', taskGroup: 'checkout', taskId: '1' }
const OLD = new Date(Date.now() - 60 * 86_400_000)

function stage(t) {
  const box = apiSandbox(t)
  const main = box.repository('shop', { files: { 'a.txt': 'a\n' } })
  const one = okstra.provisionTaskWorktreeSync(box.options(main, '1'))
  const victim = path.join(box.dir, 'victim')
  for (const name of ['sub', 'ready-x', '.purging-x', 'making-y', `20200101T000000Z-0123456789abcdef`]) {
    fs.mkdirSync(path.join(victim, name, 'tree'), { recursive: true })
    fs.writeFileSync(path.join(victim, name, 'tree', 'file'), 'precious')
    fs.utimesSync(path.join(victim, name), OLD, OLD)
  }
  const names = () => fs.readdirSync(victim, { recursive: true }).sort()
  return { ...box, main, one, victim, names, worktrees: path.join(box.okstraHome, 'worktrees') }
}

test('nothing is deleted or written through a linked directory of the home', (t) => {
  const box = stage(t)
  const before = box.names()
  const state = (name) => path.join(box.okstraHome, 'state', name)
  const own = ['.quarantine', '.spares', '.reclaimed', '.trash'].map((name) => path.join(box.worktrees, name))
  for (const place of [...own, state('intents'), state('removed'), path.join(box.okstraHome, 'state')]) {
    const aside = `${place}-aside`
    if (fs.existsSync(place)) fs.renameSync(place, aside)
    fs.symlinkSync(box.victim, place)
    for (const act of [
      () => okstra.pruneSync({ apply: true, olderThanDays: 0 }),
      () => okstra.removeTaskSync(KEY),
      () => okstra.reclaimSync({ apply: true }),
      () => okstra.warmSparesSync({ projectRoot: box.main, count: 0 }),
      () => okstra.provisionTaskWorktreeSync(box.options(box.main, 'new')),
    ]) {
      const error = thrownBy(act)
      assert.equal(error.code, 'OKSTRA_UNSAFE_HOME', `${place}: ${act} ${error.stack}`)
      assert.ok(error.message.includes(place), error.message)
    }
    const found = okstra.doctorSync({ root: box.main, fix: true }).findings
    assert.deepEqual(found.map(({ code }) => code), ['home-link'], place)
    okstra.pruneSync({ olderThanDays: 0 })
    okstra.listTrash()
    assert.deepEqual(box.names(), before, place)
    // As the hint says.
    fs.unlinkSync(place)
    if (fs.existsSync(aside)) fs.renameSync(aside, place)
    assert.equal(okstra.provisionTaskWorktreeSync(box.options(box.main, '1', { taskType: place })).status, 'reused')
  }
  assert.equal(okstra.doctorSync({ root: box.main }).clean, true)
})

test('a task below a linked project or group directory is not touched', (t) => {
  const box = stage(t)
  for (const place of [path.dirname(box.one.path), path.dirname(path.dirname(box.one.path))]) {
    const elsewhere = path.join(box.dir, `elsewhere-${path.basename(place)}`)
    fs.renameSync(place, elsewhere)
    fs.symlinkSync(elsewhere, place)
    for (const act of [
      () => okstra.removeTaskSync(KEY),
      () => okstra.provisionTaskWorktreeSync(box.options(box.main, `new-${path.basename(place)}`)),
    ]) {
      assert.equal(thrownBy(act).code, 'OKSTRA_UNSAFE_HOME', `${place} ${act}`)
    }
    assert.ok(fs.existsSync(path.join(box.one.path, 'a.txt')))
    fs.unlinkSync(place)
    fs.renameSync(elsewhere, place)
  }
  okstra.removeTaskSync(KEY)
})

test('the home, and the directory of its worktrees, may be links to another disk', (t) => {
  const box = apiSandbox(t)
  const main = box.repository('shop', { files: { 'a.txt': 'a\n' } })
  const disk = path.join(box.dir, 'disk')
  for (const name of ['home', 'worktrees']) fs.mkdirSync(path.join(disk, name), { recursive: true, mode: 0o700 })
  fs.symlinkSync(path.join(disk, 'home'), box.okstraHome)
  fs.symlinkSync(path.join(disk, 'worktrees'), path.join(box.okstraHome, 'worktrees'))
  const made = okstra.provisionTaskWorktreeSync(box.options(main, '1'))
  fs.writeFileSync(path.join(made.path, 'new'), 'n')
  okstra.removeTaskSync({ ...KEY, allow: ['untracked'] })
  okstra.restoreTaskSync(KEY)
  okstra.removeTaskSync({ ...KEY, allow: ['untracked'] })
  okstra.pruneSync({ apply: true, olderThanDays: 0 })
  assert.deepEqual(okstra.listTrash(), [])
  assert.equal(okstra.doctorSync({ root: main }).clean, true)
})

test('a linked directory of ours in a repository is refused before anything is written', (t) => {
  const box = stage(t)
  const before = box.names()
  const place = path.join(box.main, '.git', 'okstra-trash')
  fs.symlinkSync(box.victim, place)
  const error = thrownBy(() => okstra.removeTaskSync(KEY))
  assert.equal(error.code, 'OKSTRA_UNSAFE_HOME')
  okstra.pruneSync({ apply: true, olderThanDays: 0 })
  assert.deepEqual(box.names(), before)
  assert.deepEqual(fs.readdirSync(path.join(box.okstraHome, 'state', 'intents')), [])
  assert.equal(box.git(['status', '--porcelain'], { cwd: box.one.path }), '')
  fs.unlinkSync(place)
  okstra.removeTaskSync(KEY)
  okstra.restoreTaskSync(KEY)
})
