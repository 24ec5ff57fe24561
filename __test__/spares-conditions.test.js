'use strict'
// Whatever changes between the warming and the claim, what comes out is what `git worktree add` makes at the moment of the
// claim: each row changes one thing, and is then compared with git in the same repository, claimed at once and after
// another warming.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { contents, place } = require('./helpers/spares.js')

const FILES = { 'old.txt': 'one\ntwo\n', 'other.txt': 'other\n', 'sub/page.txt': 'page\n', 'tool': '#!/bin/sh\n' }
const CRLF = '*.txt eol=crlf\n'
const AUTOCRLF = '[core]\n\tautocrlf = true\n'

/** Writes a file and the directories above it. */
function write(file, text, mode) {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, text)
  if (mode) fs.chmodSync(file, mode)
}

/** Commits files in the main worktree. */
function commit({ root, git }, files) {
  for (const [name, text] of Object.entries(files)) write(path.join(root, name), text)
  git(['add', '-A'], { cwd: root })
  git(['commit', '-q', '-m', 'more'], { cwd: root })
}

const config = (...words) => ({ root, git }) => void git(['config', ...words], { cwd: root })
const inDir = (name) => (text) => ({ dir }) => write(path.join(dir, name), text)
const inRepository = (name) => (text) => ({ root }) => write(path.join(root, '.git', name), text)

/** A git in front of the real one that says it is of another version. */
function anotherGit({ dir, env, git }) {
  const real = path.join(git(['--exec-path']), 'git')
  write(
    path.join(dir, 'bin/git'),
    `#!/bin/sh\ncase "$*" in *version) echo "git version 2.999.1"; exit;; esac\nexec "${real}" "$@"\n`,
    0o755,
  )
  env.PATH = `${path.join(dir, 'bin')}:${env.PATH}`
}

/** Commands that run under another umask than this process. */
function withUmask(mask) {
  return () => {
    const before = process.umask(mask)
    return () => process.umask(before)
  }
}

// `before`: what holds when the spare is made. `change`: what happens then; gives what undoes it outside the sandbox.
// `claimed`: whether the spare of before is still good. `refused`: why there can be none any more. `same`: the change
// makes no difference to the tree.
const ROWS = [
  { what: 'nothing', change: () => {}, claimed: true, same: true },
  { what: 'another commit', change: (box) => commit(box, { 'old.txt': 'changed\n' }), claimed: true },
  { what: 'a commit that removes, adds and makes a file a directory', change: (box) => {
    fs.rmSync(path.join(box.root, 'tool'))
    commit(box, { 'tool/new.txt': 'new\n' })
  }, claimed: true },
  { what: 'a pushed branch, as git remembers it', change: config('branch.main.remote', 'origin'), claimed: true, same: true },

  { what: 'attributes in a commit', change: (box) => commit(box, { '.gitattributes': CRLF }) },
  { what: 'attributes of a directory in a commit', change: (box) => commit(box, { 'sub/.gitattributes': CRLF }) },
  { what: 'attributes gone from a commit', before: (box) => commit(box, { '.gitattributes': CRLF }), change: (box) => {
    fs.rmSync(path.join(box.root, '.gitattributes'))
    commit(box, {})
  } },
  { what: 'info/attributes that appear', change: inRepository('info/attributes')(CRLF) },
  { what: 'info/attributes that change', before: inRepository('info/attributes')('*.md eol=crlf\n'), change: inRepository('info/attributes')(CRLF) },
  { what: 'XDG attributes that appear', change: inDir('home/.config/git/attributes')(CRLF) },
  { what: 'another place of XDG attributes', change: ({ dir, env }) => {
    env.XDG_CONFIG_HOME = path.join(dir, 'xdg')
    write(path.join(dir, 'xdg/git/attributes'), CRLF)
  } },
  { what: 'a file that core.attributesFile names, with capital letters in it', before: ({ dir, root, git }) => {
    write(path.join(dir, 'Conf/MyAttributes'), '')
    git(['config', 'core.attributesFile', path.join(dir, 'Conf/MyAttributes')], { cwd: root })
  }, change: inDir('Conf/MyAttributes')(CRLF) },
  { what: 'the same below the home', before: config('core.attributesFile', '~/Attributes'), change: inDir('home/Attributes')(CRLF) },
  { what: 'attributes of another commit', before: (box) => {
    commit(box, { '.gitattributes': CRLF })
    box.git(['tag', 'attributes'], { cwd: box.root })
    fs.rmSync(path.join(box.root, '.gitattributes'))
    commit(box, {})
  }, change: config('attr.tree', 'attributes'), refused: /attr\.tree/ },

  { what: 'a setting of the repository', change: config('core.autocrlf', 'true') },
  { what: 'a global file that appears', before: ({ env }) => delete env.GIT_CONFIG_GLOBAL, change: inDir('home/.gitconfig')(AUTOCRLF) },
  { what: 'an XDG file that appears', before: ({ env }) => delete env.GIT_CONFIG_GLOBAL, change: inDir('home/.config/git/config')(AUTOCRLF) },
  { what: 'GIT_CONFIG_GLOBAL', change: (box) => {
    box.env.GIT_CONFIG_GLOBAL = path.join(box.dir, 'global')
    write(box.env.GIT_CONFIG_GLOBAL, AUTOCRLF)
  } },
  { what: 'GIT_CONFIG_SYSTEM', change: (box) => {
    delete box.env.GIT_CONFIG_NOSYSTEM
    box.env.GIT_CONFIG_SYSTEM = path.join(box.dir, 'system')
    write(box.env.GIT_CONFIG_SYSTEM, AUTOCRLF)
  } },
  { what: 'HOME', before: ({ env }) => delete env.GIT_CONFIG_GLOBAL, change: (box) => {
    box.env.HOME = path.join(box.dir, 'another')
    write(path.join(box.env.HOME, '.gitconfig'), AUTOCRLF)
  } },
  { what: 'an included file that appears', before: (box) => config('include.path', path.join(box.dir, 'inc.cfg'))(box), change: inDir('inc.cfg')(AUTOCRLF) },
  { what: 'a file that appears and that an included one includes', before: (box) => {
    write(path.join(box.dir, 'inc.cfg'), '[include]\n\tpath = deeper.cfg\n')
    config('include.path', path.join(box.dir, 'inc.cfg'))(box)
  }, change: inDir('deeper.cfg')(AUTOCRLF) },
  { what: 'an include of the global file that appears', before: (box) => {
    box.env.GIT_CONFIG_GLOBAL = path.join(box.dir, 'global')
    write(box.env.GIT_CONFIG_GLOBAL, '[include]\n\tpath = inc.cfg\n')
  }, change: inDir('inc.cfg')(AUTOCRLF) },
  { what: 'a conditional include', change: (box) => {
    write(path.join(box.dir, 'inc.cfg'), AUTOCRLF)
    config('includeIf.gitdir:**.path', path.join(box.dir, 'inc.cfg'))(box)
  }, refused: /includeIf/ },
  { what: 'the command of a filter', before: (box) => {
    commit(box, { '.gitattributes': 'old.txt filter=f\n' })
    config('filter.f.smudge', 'sed s/one/ONE/')(box)
    config('filter.f.clean', 'sed "s/ONE/one/; s/uno/one/"')(box)
  }, change: config('filter.f.smudge', 'sed s/one/uno/') },
  { what: 'a variable that git-lfs reads', before: (box) => {
    commit(box, { '.gitattributes': 'old.txt filter=f\n' })
    config('filter.f.smudge', 'cat; echo "skip: $GIT_LFS_SKIP_SMUDGE"')(box)
    config('filter.f.clean', 'sed /skip:/d')(box)
  }, change: ({ env }) => void (env.GIT_LFS_SKIP_SMUDGE = '1') },
  { what: 'a sparse checkout', change: (box) => {
    config('core.sparseCheckout', 'true')(box)
    inRepository('info/sparse-checkout')('/sub/\n')(box)
  }, refused: /sparse/ },
  { what: 'a list of a sparse checkout that is off', change: inRepository('info/sparse-checkout')('/sub/\n'), claimed: true, same: true },
  { what: 'settings of each worktree', change: (box) => {
    config('extensions.worktreeConfig', 'true')(box)
  }, refused: /settings of their own/, same: true },
  { what: 'a shared repository', change: config('core.sharedRepository', 'group'), refused: /sharedRepository/ },
  { what: 'another directory of hooks', change: config('core.hooksPath', '/dev/null'), same: true },
  { what: 'another umask', change: withUmask(0o027), linux: true },
  { what: 'another git', change: anotherGit, same: true },

  { what: 'a replaced object', change: ({ root, git }) => {
    git(['replace', 'HEAD:old.txt', 'HEAD:other.txt'], { cwd: root })
  }, refused: /git replace/ },
  { what: 'a replaced object, packed', change: ({ root, git }) => {
    git(['replace', 'HEAD:old.txt', 'HEAD:other.txt'], { cwd: root })
    git(['pack-refs', '--all'], { cwd: root })
  }, refused: /git replace/ },
  { what: 'a replaced object that is none any more', before: ({ root, git }) => {
    git(['replace', 'HEAD:old.txt', 'HEAD:other.txt'], { cwd: root })
  }, none: true, change: ({ root, git }) => {
    git(['replace', '-d', git(['rev-parse', 'HEAD:old.txt'], { cwd: root })], { cwd: root })
  } },
  { what: 'a submodule, and what git notes of it in its settings', change: (box) => {
    box.git(['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', box.repository('library'), 'lib'], { cwd: box.root })
    commit(box, {})
  } },
  { what: 'a submodule that is gone', before: (box) => {
    box.git(['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', box.repository('library'), 'lib'], { cwd: box.root })
    commit(box, {})
  }, change: (box) => {
    box.git(['rm', '-q', '-f', 'lib'], { cwd: box.root })
    commit(box, {})
  }, claimed: true },
  { what: 'a hook that sees every index', change: ({ root }) => {
    write(path.join(root, '.git/hooks/post-index-change'), '#!/bin/sh\necho "$(pwd)" >> "$(git rev-parse --git-dir)/seen"\n', 0o755)
  }, refused: /post-index-change/, same: true },
  { what: 'a memory of untracked files', before: config('core.untrackedCache', 'true'), change: (box) => commit(box, { 'old.txt': 'changed\n' }), claimed: true },
]

/** Everything about a worktree that git made or could have made. */
function made(box, tree) {
  const admin = path.resolve(tree, box.git(['rev-parse', '--git-dir'], { cwd: tree }))
  const index = fs.readFileSync(path.join(admin, 'index'), 'latin1')
  assert.ok(!/\.spares|making-/.test(index), 'the index names no other place')
  return {
    contents: { ...contents(tree), '': fs.lstatSync(tree).mode },
    index: box.git(['ls-files', '-s', '-t'], { cwd: tree }),
    status: box.git(['status', '--porcelain', '--ignored'], { cwd: tree }),
    seen: fs.existsSync(path.join(admin, 'seen')),
  }
}

/** What `git worktree add` makes now. */
function byGit(box, name) {
  const tree = path.join(box.dir, name)
  box.git(['worktree', 'add', '-q', '-b', name, tree], { cwd: box.root })
  return made(box, tree)
}

for (const { what, before, change, claimed = false, refused, same = false, none = false, linux = false } of ROWS) {
  test(`between the warming and the claim: ${what}`, async (t) => {
    if (linux && process.platform !== 'linux') return t.skip('only Linux tells the umask')
    const box = place(t, FILES)
    await before?.(box)
    assert.equal((await box.warm(2)).ready, none ? 0 : 2)
    const [spare] = none ? [] : box.ready()
    const earlier = byGit(box, 'earlier')
    const undo = change(box)
    if (undo) t.after(undo)
    const wanted = byGit(box, 'wanted')
    assert[same ? 'deepEqual' : 'notDeepEqual'](wanted.contents, earlier.contents, 'the change makes the difference that the row says')

    if (!none) {
      const { spares } = await box.run('list', '--spares')
      const attributes = /commit/.test(what) && !claimed && !refused
      assert.ok(spares.every(({ usable }) => usable === (claimed || attributes)), 'as it is listed')
    }
    const { path: first } = await box.provision('first')
    assert.deepEqual(made(box, first), wanted, 'claimed at once')
    assert.equal(box.ready().length, none ? 0 : claimed ? 1 : 2, 'whether it was a spare')

    const again = await box.warm(1)
    assert.deepEqual([again.ready, refused ? refused.test(again.reason) : again.reason], [refused ? 0 : 1, refused ? true : undefined])
    if (!claimed && !refused && !none) assert.notEqual(box.ready()[0], spare, 'made anew')
    const { path: second } = await box.provision('second')
    assert.equal(box.ready().length, 0)
    assert.deepEqual(made(box, second), wanted, 'claimed after another warming')
  })
}
