'use strict'

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

/**
 * What people and agents leave in worktrees. Each state is made in a fresh worktree whose commit holds `a.txt`, `b.txt`,
 * `dir/c.txt`, `run.sh` (executable), `.gitignore` (`.env`, `*.log`, `node_modules/`, `private/`).
 *
 * `make({ tree, git, tryGit, write, sandbox, repository })` makes it; `refused` are the kinds of obstacles that a removal
 * without options must name, no more and no fewer. `never`: no option allows it. `options`: more for the removal.
 * `partial`: a return from the snapshot alone cannot bring everything back.
 */
const STATES = {
  clean: { refused: [], make: () => {} },
  'a staged file': { refused: ['uncommitted'], make: ({ write, git }) => (write('new', 'new\n'), git('add', 'new')) },
  'a change that is not staged': { refused: ['uncommitted'], make: ({ write }) => write('a.txt', 'changed\n') },
  'staged, and changed again': {
    refused: ['uncommitted'],
    make: ({ write, git }) => (write('a.txt', 'staged\n'), git('add', 'a.txt'), write('a.txt', 'and changed\n')),
  },
  'an untracked file': { refused: ['untracked'], make: ({ write }) => write('untracked', 'u\n') },
  'an untracked directory': { refused: ['untracked'], make: ({ write }) => (write('d/e/f', 'f\n'), write('d/g', 'g\n')) },
  'an ignored secret': { refused: ['ignored'], partial: true, make: ({ write }) => write('.env', 'TOKEN=1\n') },
  'an ignored directory of notes': { refused: ['ignored'], partial: true, make: ({ write }) => write('private/notes', 'n\n') },
  'caches alone': { refused: [], partial: true, make: ({ write }) => write('node_modules/m/index.js', 'm\n') },
  'a deleted file': { refused: ['uncommitted'], make: ({ tree }) => fs.unlinkSync(path.join(tree, 'b.txt')) },
  'a deletion that is staged': { refused: ['uncommitted'], make: ({ git }) => git('rm', '-q', 'b.txt') },
  'a renamed file': { refused: ['uncommitted'], make: ({ git }) => git('mv', 'a.txt', 'moved.txt') },
  'removed from the index alone': { refused: ['uncommitted', 'untracked'], make: ({ git }) => git('rm', '-q', '--cached', 'b.txt') },
  'another mode': { refused: ['uncommitted'], make: ({ tree }) => fs.chmodSync(path.join(tree, 'a.txt'), 0o755) },
  'modes that git does not know': {
    refused: ['untracked'],
    partial: true,
    make: ({ tree, write }) => (write('secret', 's\n'), fs.chmodSync(path.join(tree, 'secret'), 0o600)),
  },
  'a file that became a link': {
    refused: ['uncommitted'],
    make: ({ tree }) => (fs.unlinkSync(path.join(tree, 'a.txt')), fs.symlinkSync('b.txt', path.join(tree, 'a.txt'))),
  },
  'a link out of the tree': {
    refused: ['untracked'],
    make: ({ tree, repository }) => fs.symlinkSync(repository, path.join(tree, 'out')),
  },
  'a dangling link': { refused: ['untracked'], make: ({ tree }) => fs.symlinkSync('/nowhere/at all', path.join(tree, 'dangling')) },
  'a directory that became a link out of the tree': {
    refused: ['uncommitted', 'untracked'],
    make: ({ tree, repository }) => {
      fs.rmSync(path.join(tree, 'dir'), { recursive: true })
      fs.symlinkSync(path.join(repository, 'dir'), path.join(tree, 'dir'))
    },
  },
  'a file that became a directory': {
    refused: ['uncommitted', 'untracked'],
    make: ({ tree, write }) => (fs.unlinkSync(path.join(tree, 'a.txt')), write('a.txt/inner', 'i\n')),
  },
  'a directory that became a file': {
    refused: ['uncommitted', 'untracked'],
    make: ({ tree, write }) => (fs.rmSync(path.join(tree, 'dir'), { recursive: true }), write('dir', 'file\n')),
  },
  'a merge in conflict': { refused: ['uncommitted', 'operation'], make: (place) => (fork(place), place.tryGit('merge', '-q', 'theirs')) },
  'a conflict of a deletion': {
    refused: ['uncommitted', 'operation'],
    make: (place) => {
      fork(place)
      place.git('rm', '-q', 'b.txt')
      place.git('commit', '-qm', 'b is gone')
      place.tryGit('merge', '-q', 'theirs')
    },
  },
  'a rebase in the middle': {
    refused: ['uncommitted', 'operation'],
    make: (place) => (fork(place), place.tryGit('rebase', '-q', 'theirs')),
  },
  'a rebase that stopped to edit': {
    refused: ['operation', 'detached'],
    make: (place) => {
      const { git, tryGit, sandbox } = place
      commitEach(place, ['one', 'two', 'three'], null)
      sandbox.environment.GIT_SEQUENCE_EDITOR = 'sed -i "1s/pick/edit/"'
      tryGit('rebase', '-q', '-i', 'HEAD~2')
      git('commit', '-q', '--amend', '-m', 'amended')
      delete sandbox.environment.GIT_SEQUENCE_EDITOR
    },
  },
  'a cherry-pick in conflict': { refused: ['uncommitted', 'operation'], make: (place) => (fork(place), place.tryGit('cherry-pick', 'theirs')) },
  'a revert in conflict': {
    refused: ['uncommitted', 'operation'],
    make: (place) => {
      commitEach(place, ['one\n', 'two\n'])
      place.tryGit('revert', '--no-edit', 'HEAD~1')
    },
  },
  'a patch that does not apply': {
    refused: ['operation'],
    make: ({ write, git, tryGit, tree, sandbox }) => {
      write('a.txt', 'patched\n')
      const patch = sandbox.path(`patch-${path.basename(tree)}`)
      git('commit', '-qam', 'patch')
      fs.writeFileSync(patch, git('format-patch', '-1', '--stdout') + '\n')
      git('reset', '-q', '--hard', 'HEAD~1')
      write('a.txt', 'something else\n')
      git('commit', '-qam', 'else')
      tryGit('am', '-q', patch)
    },
  },
  'a bisect': {
    refused: ['operation'],
    make: (place) => {
      commitEach(place, ['one\n', 'two\n', 'three\n', 'four\n'])
      place.git('bisect', 'start', 'HEAD', 'HEAD~4')
    },
  },
  'a detached HEAD with commits': {
    refused: ['detached'],
    make: ({ write, git }) => (git('checkout', '-q', '--detach'), write('a.txt', 'detached\n'), git('commit', '-qam', 'detached')),
  },
  'a detached HEAD without commits': { refused: [], make: ({ git }) => git('checkout', '-q', '--detach') },
  'a commit that only the log of HEAD has': {
    refused: [],
    make: ({ write, git }) => {
      write('a.txt', 'first try\n')
      git('commit', '-qam', 'first try')
      git('commit', '-q', '--amend', '-m', 'second try')
    },
  },
  'another branch': { refused: [], make: ({ git }) => git('checkout', '-q', '-b', 'elsewhere') },
  'a branch without a commit': {
    refused: ['uncommitted'],
    partial: true,
    make: ({ git, write }) => (git('checkout', '-q', '--orphan', 'unborn'), write('a.txt', 'unborn\n')),
  },
  'a branch to be deleted with commits of its own': {
    refused: ['unmerged'],
    options: { deleteBranch: true },
    make: ({ write, git }) => (write('a.txt', 'own\n'), git('commit', '-qam', 'own')),
  },
  'a branch to be deleted without': { refused: [], options: { deleteBranch: true }, make: () => {} },
  'a submodule with changes': {
    refused: ['uncommitted', 'submodules'],
    partial: true,
    make: (place) => (submodule(place), place.write('sub/a.txt', 'changed in the submodule\n')),
  },
  'a submodule with a commit of its own': {
    refused: ['uncommitted', 'submodules'],
    partial: true,
    make: (place) => {
      submodule(place)
      place.write('sub/a.txt', 'committed in the submodule\n')
      place.sandbox.git(path.join(place.tree, 'sub'), 'commit', '-qam', 'in the submodule')
    },
  },
  'a nested worktree': {
    refused: ['nested'],
    never: true,
    make: ({ git, tree }) => git('worktree', 'add', '-q', '--detach', path.join(tree, 'nested')),
  },
  'a nested repository': {
    refused: ['nested'],
    never: true,
    make: ({ tree, sandbox }) => sandbox.git(tree, 'init', '-q', 'nested'),
  },
  'a nested repository in an ignored directory': {
    refused: ['nested'],
    never: true,
    make: ({ tree, sandbox, write }) => (write('node_modules/x/y', 'y\n'), sandbox.git(tree, 'init', '-q', '--bare', 'node_modules/x/bare')),
  },
  'names with line breaks, quotes and dashes': {
    refused: ['untracked'],
    make: ({ write }) => ['new\nline', '"quoted"', '-rf', ' ', 'tab\there', 'back\\slash', '\u0001', '한글', '*?['].forEach((name) => write(name, name)),
  },
  'names that are no text': {
    refused: ['uncommitted', 'untracked'],
    make: ({ tree, git }) => {
      for (const name of [[0xff, 0xfe], [0xed, 0xa0, 0x80], [0x80]]) {
        fs.writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from(name)]), 'bytes\n')
      }
      git('add', ':(glob)*')
      fs.writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xc0, 0xaf])]), 'untracked bytes\n')
    },
  },
  'read-only files': {
    refused: ['untracked'],
    partial: true,
    make: ({ tree, write }) => (write('read-only', 'r\n'), fs.chmodSync(path.join(tree, 'read-only'), 0o444)),
  },
  'a read-only directory': {
    refused: ['untracked'],
    partial: true,
    make: ({ tree, write }) => (write('closed/file', 'c\n'), fs.chmodSync(path.join(tree, 'closed'), 0o555)),
  },
  'an empty file': { refused: ['untracked'], make: ({ write }) => write('empty', '') },
  'empty directories': { refused: [], partial: true, make: ({ tree }) => fs.mkdirSync(path.join(tree, 'x/y/z'), { recursive: true }) },
  'a sparse file of 1 GB': {
    refused: ['untracked'],
    partial: true,
    make: ({ tree }) => {
      fs.writeFileSync(path.join(tree, 'sparse'), 'beginning')
      fs.truncateSync(path.join(tree, 'sparse'), 1 << 30)
    },
  },
  'a file to be added': { refused: ['uncommitted'], partial: true, make: ({ write, git }) => (write('later', 'l\n'), git('add', '-N', 'later')) },
  'a change that git was told not to see': {
    refused: ['uncommitted'],
    make: ({ write, git }) => (git('update-index', '--assume-unchanged', 'a.txt'), write('a.txt', 'unseen\n')),
  },
  'changes in files that are left to the disk': {
    refused: ['uncommitted'],
    make: ({ write, git }) => {
      git('update-index', '--skip-worktree', 'a.txt', 'dir/c.txt')
      write('a.txt', 'unseen\n')
      write('dir/c.txt', 'unseen too\n')
    },
  },
  'files that git was told not to look at, unchanged': {
    refused: [],
    make: ({ git }) => (git('update-index', '--assume-unchanged', 'a.txt'), git('update-index', '--skip-worktree', 'b.txt')),
  },
  'a change behind a split index': {
    refused: ['uncommitted'],
    make: ({ write, git }) => {
      git('update-index', '--split-index')
      git('update-index', '--assume-unchanged', 'a.txt')
      write('a.txt', 'unseen\n')
    },
  },
  'a change with the size and the time of before': {
    refused: ['uncommitted'],
    partial: true,
    make: ({ tree }) => {
      const file = path.join(tree, 'a.txt')
      const { atime, mtime, size } = fs.statSync(file)
      fs.writeFileSync(file, 'x'.repeat(size))
      fs.utimesSync(file, atime, mtime)
    },
  },
  'a stash': { refused: ['stashes'], partial: true, make: ({ write, git }) => (write('a.txt', 'stashed\n'), git('stash', '-q')) },
  'a stash on a detached HEAD': {
    refused: ['stashes'],
    partial: true,
    make: ({ write, git }) => (git('checkout', '-q', '--detach'), write('a.txt', 'stashed\n'), git('stash', '-q')),
  },
  'a ref of this worktree alone': {
    refused: ['refs'],
    make: ({ write, git }) => {
      write('a.txt', 'put aside\n')
      git('commit', '-qam', 'put aside')
      git('update-ref', 'refs/worktree/aside', 'HEAD')
      git('reset', '-q', '--hard', 'HEAD~1')
    },
  },
  'a bare repository that the project tracks': {
    refused: ['untracked'],
    make: ({ write, git }) => {
      for (const name of ['config', 'HEAD', 'objects/keep', 'refs/heads/keep']) write(`fixture.git/${name}`, 'f\n')
      git('add', '.')
      git('commit', '-qm', 'a fixture')
      write('fixture.git/objects/new', 'new\n')
    },
  },
  'a file behind a filter': {
    refused: ['uncommitted', 'untracked'],
    make: ({ write }) => (write('.gitattributes', '*.txt text eol=crlf\n'), write('b.txt', 'mixed\r\nends\n')),
  },
  'a locked worktree': {
    refused: ['locked'],
    partial: true,
    // In the place of okstra's own.
    make: ({ git, tryGit, tree }) => (tryGit('worktree', 'unlock', tree), git('worktree', 'lock', '--reason', 'mine', tree)),
  },
  'a process inside': {
    refused: ['processes'],
    make: ({ tree }) => {
      const child = spawn('sleep', ['600'], { cwd: tree, stdio: 'ignore' })
      return () => child.kill('SIGKILL')
    },
  },
  'two names of one file': {
    refused: ['untracked'],
    partial: true,
    make: ({ tree, write }) => (write('one', 'o\n'), fs.linkSync(path.join(tree, 'one'), path.join(tree, 'two'))),
  },
}

/** One commit for each text, all to one file, or each to a file of its name. */
function commitEach({ write, git }, texts, file = 'a.txt') {
  for (const text of texts) {
    write(file ?? text, text)
    git('add', file ?? text)
    git('commit', '-qm', text)
  }
}

/** A branch `theirs` that conflicts with a commit made here. */
function fork({ write, git }) {
  const own = git('symbolic-ref', '--short', 'HEAD')
  git('checkout', '-q', '-B', 'theirs')
  write('a.txt', 'theirs\n')
  write('b.txt', 'theirs\n')
  git('commit', '-qam', 'theirs')
  git('checkout', '-q', own)
  write('a.txt', 'ours\n')
  git('commit', '-qam', 'ours')
}

/** A submodule that is checked out, and committed. */
function submodule({ git, sandbox, tree }) {
  const origin = sandbox.path('submodule-origin')
  if (!fs.existsSync(origin)) {
    sandbox.git(sandbox.directory, 'init', '-q', '-b', 'main', origin)
    fs.writeFileSync(path.join(origin, 'a.txt'), 'submodule\n')
    sandbox.git(origin, 'add', '.')
    sandbox.git(origin, 'commit', '-qm', 'submodule')
  }
  sandbox.git(tree, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', origin, 'sub')
  git('commit', '-qm', 'a submodule')
}

module.exports = { STATES }
