'use strict'
// locateDirectory and sharedDirectories, against every shape of repository.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { apiSandbox, okstra, rejectionOf, thrownBy } = require('./helpers/api.js')

/** Both ways to ask, which must agree. */
async function locate(directory) {
  const answer = await okstra.locateDirectory(directory)
  assert.deepEqual(okstra.locateDirectorySync(directory), answer)
  return answer
}

test('a directory of the main worktree, of a linked one, of the git directory, of nothing', async (t) => {
  const { dir, git, repository } = apiSandbox(t)
  const root = repository('shop')
  const head = git(['rev-parse', 'HEAD'], { cwd: root })
  const deep = path.join(root, 'a', 'b')
  fs.mkdirSync(deep, { recursive: true })
  const common = path.join(root, '.git')
  const here = { commonDir: common, mainWorktree: root, worktree: root, linked: false, bare: false, branch: 'main', head }
  const { gitVersion, repository: found } = await locate(deep)
  assert.deepEqual(found, here)
  assert.equal(`git version ${gitVersion}`, git(['version']))

  const side = path.join(dir, 'side')
  git(['worktree', 'add', '-q', '--detach', side], { cwd: root })
  const { branch, ...detached } = here
  assert.deepEqual((await locate(side)).repository, { ...detached, worktree: side, linked: true })
  const { worktree, ...inside } = here
  assert.deepEqual((await locate(path.join(common, 'hooks'))).repository, inside)
  assert.equal((await locate(dir)).repository, undefined)
  assert.deepEqual([branch, worktree], ['main', root])
})

test('before the first commit there is a branch and no head', async (t) => {
  const { repository } = apiSandbox(t)
  const { repository: found } = await locate(repository('new', { commit: false }))
  assert.deepEqual([found.branch, found.head], ['main', undefined])
})

test('bare, submodule, --separate-git-dir: the main worktree, where git knows it', async (t) => {
  const { dir, git, repository } = apiSandbox(t)
  const root = repository('shop')
  const at = (...names) => path.join(dir, ...names)
  const add = (from, to) => git(['worktree', 'add', '-q', '--detach', at(to)], { cwd: at(from) })
  const summary = async (name) => {
    const { mainWorktree, worktree, linked, bare } = (await locate(at(name))).repository
    return [mainWorktree && path.relative(dir, mainWorktree), worktree && path.relative(dir, worktree), linked, bare]
  }
  git(['clone', '-q', '--bare', root, at('bare.git')])
  add('bare.git', 'of-bare')
  assert.deepEqual(await summary('bare.git'), [undefined, undefined, false, true])
  assert.deepEqual(await summary('of-bare'), [undefined, 'of-bare', true, true])
  git(['clone', '-q', '--bare', root, at('layout', '.git')])
  add('layout', 'of-layout')
  assert.deepEqual(await summary('of-layout'), [undefined, 'of-layout', true, true], 'a bare repository called .git')

  const parent = repository('parent')
  git(['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', root, 'part'], { cwd: parent })
  add('parent/part', 'of-part')
  assert.deepEqual(await summary('of-part'), ['parent/part', 'of-part', true, false])

  git(['init', '-q', '-b', 'main', '--separate-git-dir', at('kept'), at('split')])
  git(['commit', '-q', '--allow-empty', '-m', 'first'], { cwd: at('split') })
  add('split', 'of-split')
  assert.deepEqual(await summary('split'), ['split', 'split', false, false])
  assert.deepEqual(await summary('of-split'), [undefined, 'of-split', true, false], 'git does not record it')
})

test('errors are typed', async (t) => {
  const { dir, repository } = apiSandbox(t)
  assert.equal((await rejectionOf(okstra.locateDirectory(path.join(dir, 'nowhere')))).code, 'OKSTRA_ROOT_NOT_FOUND')
  assert.equal((await rejectionOf(okstra.locateDirectory(7))).code, 'OKSTRA_INVALID_ARGUMENT')
  assert.equal(thrownBy(() => okstra.sharedDirectoriesSync(path.join(dir, 'nowhere'))).code, 'OKSTRA_ROOT_NOT_FOUND')
  for (const error of [await rejectionOf(okstra.sharedDirectories(dir)), await rejectionOf(okstra.warmSpares({ projectRoot: dir }))]) {
    assert.deepEqual([error.code, error.path], ['OKSTRA_NO_REPOSITORY', dir])
  }
  const broken = path.join(dir, 'broken')
  fs.mkdirSync(broken)
  fs.writeFileSync(path.join(broken, '.git'), `gitdir: ${path.join(dir, 'gone')}\n`)
  assert.equal((await rejectionOf(okstra.locateDirectory(broken))).code, 'OKSTRA_WORKTREE_BROKEN')
  process.env.OKSTRA_WORKTREE_SYNC_DIRS = '../outside'
  assert.equal((await rejectionOf(okstra.sharedDirectories(repository('shop')))).code, 'OKSTRA_INVALID_ARGUMENT')
})

test('sharedDirectories: present, tracked, ignored by a .gitignore that other clones have too', async (t) => {
  const { dir, git, repository } = apiSandbox(t)
  const root = repository('shop', { files: { 'docs/a': 'x', '.gitignore': '.scratch/\n/cache/*\n/back\n!/back\n' } })
  fs.appendFileSync(path.join(root, '.git', 'info', 'exclude'), '/mine\n')
  fs.mkdirSync(path.join(dir, 'elsewhere'))
  fs.symlinkSync(path.join(dir, 'elsewhere'), path.join(root, 'link'))
  process.env.OKSTRA_WORKTREE_SYNC_DIRS = 'docs:.scratch:cache:back:mine:link:a/b c'
  const all = await okstra.sharedDirectories(root)
  assert.deepEqual(okstra.sharedDirectoriesSync(root), all)
  const shown = all.map(({ name, present, tracked, ignored }) => [name, present, tracked, ignored])
  assert.deepEqual(shown, [
    ['docs', true, true, false],
    ['.scratch', false, false, true],
    ['cache', false, false, true],
    ['back', false, false, false],
    ['mine', false, false, false],
    ['link', true, false, false],
    ['a/b c', false, false, false],
  ])
  assert.equal(git(['status', '--porcelain'], { cwd: root }), '?? link')
  delete process.env.OKSTRA_WORKTREE_SYNC_DIRS
  const named = (await okstra.sharedDirectories()).map(({ name, present }) => [name, present])
  assert.deepEqual(named, [['.project-docs', false], ['.scratch', false], ['graphify-out', false]])
})
