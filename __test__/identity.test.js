'use strict'
// Whose a task is, as the command line tells: by the repository, and not by the name of its directory or by one setting.

const assert = require('node:assert/strict')
const { execFileSync, execSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { sandbox } = require('./helpers/repository.js')

function box(t) {
  const all = sandbox(t)
  const json = async (args, cwd, code = 0) => {
    const result = await all.okstra([...args, '--json'], { cwd })
    assert.equal(result.code, code, `${args.join(' ')}: ${result.stdout}${result.stderr}`)
    return JSON.parse(result.stdout)
  }
  const provision = (cwd, task, ...more) => json(['provision', task, '--phase', 'p', ...more], cwd)
  const refused = async (cwd, code, ...args) => (await json(args, cwd, code)).error
  return { ...all, json, provision, refused }
}

test('a task is shown, taken and removed only from its own project, and the hint helps', async (t) => {
  const { json, provision, refused, repository, dir } = box(t)
  const work = repository('work/api', { files: { which: 'work' } })
  const oss = repository('oss/api', { files: { which: 'oss' } })
  const { path: place } = await provision(work, 'g/1')
  const commands = [
    ['provision', 'g/1', '--phase', 'p'],
    ['provision', 'api/g/1', '--phase', 'p'],
    ['show', 'g/1'],
    ['path', 'g/1'],
    ['history', 'g/1'],
    ['release', 'g/1'],
    ['remove', 'g/1'],
    ['restore', 'g/1'],
    ['guard', 'x', '--task', 'g/1'],
  ]
  for (const command of commands) {
    const error = await refused(oss, 1, ...command)
    assert.equal(error.code, 'OKSTRA_OTHER_PROJECT', command.join(' '))
    assert.ok(error.message.includes(work) && error.message.includes(oss), error.message)
  }
  assert.equal((await json(['show', 'api/g/1'], oss)).task.worktreePath, place, 'named in full it is that task')
  assert.equal((await json(['path', 'g/1'], dir, 2)).error.code, 'OKSTRA_USAGE')
  await json(['release', 'g/1'], work)
  assert.equal((await refused(oss, 1, 'provision', 'g/1', '--phase', 'p')).code, 'OKSTRA_OTHER_PROJECT')
  await json(['remove', 'g/1'], work)
  assert.equal((await refused(oss, 1, 'restore', 'g/1')).code, 'OKSTRA_OTHER_PROJECT')

  const { hint } = await refused(oss, 1, 'provision', 'g/1', '--phase', 'p')
  const [, arguments_] = /`okstra (setup --project-id) NAME`/.exec(hint)
  await json([...arguments_.split(' '), 'other'], oss)
  const own = await provision(oss, 'g/1')
  assert.deepEqual([own.status, own.taskKey], ['created', 'other/g/1'])
  assert.equal(fs.readFileSync(path.join(own.path, 'which'), 'utf8'), 'oss')
  assert.equal((await provision(work, 'g/1')).status, 'restored')
  fs.writeFileSync(path.join(oss, '.project-docs/okstra/project.json'), '{"projectId": "api"}')
  const again = await refused(oss, 1, 'provision', 'g/1', '--phase', 'p')
  assert.match(again.hint, /`okstra setup --project-id NAME --change-id`/)
  await json(['setup', '--project-id', 'other', '--change-id'], oss)
  assert.equal((await provision(oss, 'g/1')).status, 'reused')
})

test('a renamed directory stays the same project, by whatever still knows its tasks', async (t) => {
  const { json, provision, repository, dir, okstraHome } = box(t)
  const keys = async (root, task) => (await provision(root, task)).taskKey
  const move = (from, to) => {
    fs.renameSync(path.join(dir, from), path.join(dir, to))
    return path.join(dir, to)
  }
  const old = repository('shop')
  assert.equal(await keys(old, 'g/1'), 'shop/g/1')
  const renamed = move('shop', 'store')
  assert.equal(await keys(renamed, 'g/2'), 'shop/g/2', 'by the records in the entries')
  await json(['doctor', '--fix'], renamed)
  assert.equal((await json(['path', 'g/1'], renamed)).taskKey, 'shop/g/1')
  assert.equal((await provision(renamed, 'g/1')).status, 'reused')
  for (const task of ['g/1', 'g/2']) await json(['remove', task], renamed)
  const again = move('store', 'market')
  assert.equal(await keys(again, 'g/3'), 'shop/g/3', 'by what lies in the trash')
  await json(['remove', 'g/3'], again)
  await json(['prune', '--older-than', '0', '--yes'], again)
  fs.rmSync(path.join(again, '.git/okstra-trash'), { recursive: true, force: true })
  const last = move('market', 'bazaar')
  assert.equal(await keys(last, 'g/4'), 'shop/g/4', 'by the commit that a task of a repository that is gone began at')
  const setup = await json(['setup'], last)
  assert.equal(setup.projectId, 'shop')
  assert.ok(fs.existsSync(path.join(okstraHome, 'worktrees/shop/g/4')))
})

test('the name of the directory counts where there are tasks under it, and where there are none at all', async (t) => {
  const { provision, repository, git, dir } = box(t)
  const root = repository('shop')
  assert.equal((await provision(root, 'other/g/1')).taskKey, 'other/g/1')
  assert.equal((await provision(root, 'g/2')).taskKey, 'shop/g/2', 'a project that is named on purpose makes no default')
  assert.equal((await provision(root, 'g/3')).taskKey, 'shop/g/3')
  git(['clone', '-q', root, path.join(dir, 'copy')])
  assert.equal((await provision(path.join(dir, 'copy'), 'g/1')).taskKey, 'copy/g/1', 'a clone has no tasks of its own')
})

test('a task is found by any spelling of its key, and changed only by its key or what it was asked for as', async (t) => {
  const { json, provision, refused, repository } = box(t)
  const root = repository('shop')
  const { path: place, taskKey } = await provision(root, 'g/1.2')
  assert.equal(taskKey, 'shop/g/1-2')
  for (const name of ['g/1.2', 'g/1-2', 'shop/g/1-2', 'SHOP/G/1.2', 'g/1_2']) {
    assert.equal((await json(['path', name], root)).path, place, name)
    assert.equal((await json(['show', name], root)).task.taskKey, taskKey, name)
  }
  for (const command of ['release', 'remove', 'restore']) {
    const error = await refused(root, 1, command, 'g/1_2')
    assert.equal(error.code, 'OKSTRA_OTHER_ID', command)
  }
  const error = await refused(root, 1, 'provision', 'g/1-2', '--phase', 'p')
  const [, first] = /first asked for \("(.*)"\)/.exec(error.hint)
  assert.equal((await provision(root, first)).path, place, 'the hint helps')
  await json(['remove', 'g/1-2'], root)
  assert.equal((await json(['restore', 'g/1.2'], root)).path, place)
  assert.equal((await provision(root, 'g/1.2')).status, 'reused')
})

test('settings that contradict the files are told of and taken back', async (t) => {
  const { json, provision, repository, git, env } = box(t)
  const accidents = {
    bare: [['core.bare', 'true']],
    tree: [['core.worktree', '/not/there']],
    both: [['core.bare', 'true'], ['core.worktree', '/not/there']],
    own: [['extensions.worktreeConfig', 'true'], ['--worktree', 'core.bare', 'true']],
  }
  for (const [name, settings] of Object.entries(accidents)) {
    const root = repository(name, { files: { 'src/a': 'x' } })
    await json(['setup', '--project-id', `id-${name}`], root)
    const { path: place } = await provision(root, 'g/1')
    for (const words of settings) git(['config', ...words], { cwd: root })
    for (const cwd of [root, path.join(root, 'src'), place]) {
      const { projectId, projectRoot } = await json(['check-project'], cwd)
      assert.deepEqual([projectId, projectRoot], [`id-${name}`, root], name)
    }
    assert.equal((await json(['check-project'], root)).worktreeKind, 'main', name)
    assert.equal((await json(['setup'], root)).changed, false, name)
    assert.equal(fs.existsSync(path.join(root, '.git/okstra/project.json')), false)
    const wrong = (report) => report.findings.filter(({ code }) => code === 'setting-wrong')
    const [told] = wrong(await json(['doctor'], root, 1))
    assert.equal(told.outcome, 'fixable', name)
    if (name === 'tree' || name === 'bare') {
      const [, command] = /`(git .*)`/.exec(told.remedy)
      execSync(command, { cwd: root, env })
      assert.equal((await json(['doctor'], root)).clean, true, command)
      for (const words of settings) execFileSync('git', ['config', ...words], { cwd: root, env })
    }
    const mended = wrong(await json(['doctor', '--fix'], root))
    assert.ok(mended.length >= 1 && mended.every(({ outcome }) => outcome === 'fixed'), JSON.stringify(mended))
    assert.equal(git(['status', '--porcelain', '--untracked-files=no'], { cwd: root }), '', name)
    assert.equal((await json(['doctor'], root)).clean, true, name)
  }
  const root = repository('side')
  const { path: place } = await provision(root, 'g/1')
  git(['config', 'extensions.worktreeConfig', 'true'], { cwd: root })
  git(['config', '--worktree', 'core.bare', 'true'], { cwd: place })
  assert.equal((await json(['doctor', '--fix'], root)).findings.filter(({ code }) => code === 'setting-wrong').length, 1)
  assert.equal(git(['status', '--porcelain'], { cwd: place }), '')
})
