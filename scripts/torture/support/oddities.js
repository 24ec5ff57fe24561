'use strict'

// Repositories in which everything that may make a checkout special happens at random, from a seed.

const fs = require('node:fs')
const path = require('node:path')

const { createRandom } = require('./random')

const NAMES = [
  'a.txt', 'A.txt', 'main.c', 'run.sh', 'logo.bin', 'page.html', 'empty', 'with space', 'new\nline', 'quo"te', "it's",
  'tab\tbed', '-dash', '#hash', '*star', '[set]', 'caf\u00e9.txt', 'cafe\u0301.txt', '한글.txt', '.hidden', '.github', 'git~x',
  'trailing.', 'x'.repeat(200), '!bang', 'doc.utf16', 'old.lat1', 'win.bat', 'secret.rot', 'pointer.lfs', 'ver.id', '%25', '~',
]
const DIRECTORIES = ['', '', 'src', 'src/deep', 'src/deep/er', 'docs', 'DOCS', 'lib.d', 'a', 'ünïcode', `${'n/'.repeat(25)}end`]
const ATTRIBUTES = [
  '* text=auto', '* -text', '*.txt text', '*.bat text eol=crlf', '*.sh text eol=lf', '*.c ident', '*.id ident',
  '*.rot filter=rot13', '*.lfs filter=gone', '*.utf16 working-tree-encoding=UTF-16LE', '*.lat1 working-tree-encoding=ISO-8859-1',
  '*.bin binary', 'src/** eol=crlf', '/docs/*.html filter=rot13', '**/main.c -ident', '[attr]odd filter=rot13', '*.html odd',
  '"with space" eol=crlf', 'caf* text=auto eol=crlf', '*.txt !text', '* text=auto eol=crlf', 'n/**/a.txt ident',
]
const SETTINGS = [
  ['core.autocrlf', 'true'], ['core.autocrlf', 'input'], ['core.autocrlf', 'false'], ['core.eol', 'crlf'], ['core.eol', 'lf'],
  ['core.fileMode', 'false'], ['core.symlinks', 'false'], ['core.ignoreCase', 'true'], ['core.sharedRepository', 'group'],
  ['core.checkStat', 'minimal'], ['core.trustCtime', 'false'], ['index.version', '4'], ['index.skipHash', 'true'],
  ['core.splitIndex', 'true'], ['core.untrackedCache', 'true'], ['feature.manyFiles', 'true'], ['core.protectNTFS', 'false'],
  ['extensions.worktreeConfig', 'true'], ['core.preloadIndex', 'false'], ['checkout.workers', '4'],
]

function content(random) {
  const kinds = [
    () => '',
    () => 'plain text\nof two lines\n',
    () => 'crlf text\r\nof two lines\r\n',
    () => 'mixed\r\nends\nhere',
    () => `$Id$ and $Id: ${random.between(1, 9)} $\n`,
    () => Buffer.from('sixteen\r\nbits é\n', 'utf16le'),
    () => Buffer.from('latin é\n', 'latin1'),
    () => Buffer.from([0, 1, 2, 255, 13, 10, random.between(0, 255)]),
    () => `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize ${random.between(1, 9)}\n`,
    () => Buffer.alloc(random.between(1, 4) * 1024 * 1024 + random.between(-1, 1), random.between(0, 255)),
  ]
  // The large ones are rare: they cost time.
  return kinds[random.between(0, random.next() < 0.05 ? kinds.length - 1 : kinds.length - 2)]()
}

/** A repository in the making. */
class OddRepository {
  constructor(sandbox, seed) {
    this.sandbox = sandbox
    this.random = createRandom(seed)
    this.directory = sandbox.path(`odd-${seed}`)
    this.told = []
    this.make()
  }

  git(...args) {
    return this.sandbox.git(this.directory, ...args)
  }

  /** For steps that may fail in a state that chance has made; what counts is that both sides meet the same state. */
  tryGit(...args) {
    return this.sandbox.tryGit(this.directory, ...args).status === 0
  }

  chance(probability, what, step) {
    if (this.random.next() >= probability) return
    this.told.push(what)
    step()
  }

  at(...names) {
    return path.join(this.directory, ...names)
  }

  name() {
    return path.posix.join(this.random.pick(DIRECTORIES), this.random.pick(NAMES))
  }

  /** Puts something at a path, whatever is there; a path below a file is given up. */
  put(name, write) {
    try {
      fs.rmSync(this.at(name), { recursive: true, force: true })
      fs.mkdirSync(path.dirname(this.at(name)), { recursive: true })
      write(this.at(name))
    } catch (error) {
      if (!['EEXIST', 'ENOTDIR', 'ELOOP', 'ENOENT'].includes(error.code)) throw error
    }
  }

  write(count) {
    for (let i = 0; i < count; i++) {
      const mode = this.random.next() < 0.2 ? 0o755 : 0o644
      const data = content(this.random)
      this.put(this.name(), (file) => fs.writeFileSync(file, data, { mode }))
    }
  }

  link(count) {
    const targets = ['a.txt', '../src', 'nowhere', '/etc/passwd', '.', 'x'.repeat(300), 'caf\u00e9']
    for (let i = 0; i < count; i++) {
      const target = this.random.pick(targets)
      this.put(`${this.name()}.ln`, (file) => fs.symlinkSync(target, file))
    }
  }

  attributes(file) {
    const lines = Array.from({ length: this.random.between(1, 4) }, () => this.random.pick(ATTRIBUTES))
    this.put(file, (place) => fs.writeFileSync(place, `${lines.join('\n')}\n`))
  }

  setting([key, value]) {
    this.told.push(`${key}=${value}`)
    this.git('config', key, value)
  }

  commit() {
    if (!this.tryGit('add', '-A', '.')) {
      // Content that is not in the encoding that the attributes claim; as a person would, give the attributes up.
      this.told.push('no attributes after all')
      for (const directory of ['', 'src']) fs.rmSync(this.at(directory, '.gitattributes'), { force: true })
      this.git('add', '-A', '.')
    }
    this.git('commit', '-q', '--allow-empty', '--no-verify', '-m', 'odd')
  }

  make() {
    const { random } = this
    const format = random.next() < 0.15 ? 'sha256' : 'sha1'
    this.sandbox.git(this.sandbox.directory, 'init', '-q', '-b', 'main', `--object-format=${format}`, this.directory)
    this.told.push(format)
    this.git('config', 'gc.auto', '0')
    this.git('config', 'core.safecrlf', 'false')
    this.chance(0.5, 'filter', () => {
      this.git('config', 'filter.rot13.clean', 'tr a-z n-za-m')
      this.git('config', 'filter.rot13.smudge', 'tr a-z n-za-m')
    })
    if (random.next() < 0.3) this.setting(random.pick(SETTINGS))
    this.chance(0.35, 'attributes', () => this.attributes('.gitattributes'))
    this.write(random.between(5, 25))
    this.chance(0.4, 'links', () => this.link(3))
    this.chance(0.15, 'nested attributes', () => this.attributes('src/.gitattributes'))
    this.commit()
    this.chance(0.1, 'submodule', () => {
      this.git('update-index', '--add', '--cacheinfo', `160000,${this.git('rev-parse', 'HEAD')},module`)
      this.git('commit', '-q', '-m', 'module')
      fs.mkdirSync(this.at('module'), { recursive: true })
    })
    this.chance(0.6, 'second commit', () => {
      this.write(random.between(1, 8))
      this.chance(0.3, 'file and directory change places', () => {
        this.put('src', (file) => fs.writeFileSync(file, 'now a file\n'))
        this.put('empty/now', (file) => fs.writeFileSync(file, 'below a directory\n'))
      })
      this.chance(0.2, 'attributes change', () => this.attributes('.gitattributes'))
      this.commit()
    })
    this.git('branch', 'other', 'HEAD')
    this.chance(0.25, 'attributes change without a new checkout', () => {
      this.attributes('.gitattributes')
      this.git('add', '.gitattributes')
      this.git('commit', '-q', '--allow-empty', '-m', 'attributes')
    })
    this.after()
    this.dirty()
  }

  /** What changes after the files of the main worktree were written. */
  after() {
    const { random } = this
    this.chance(0.1, 'info/attributes', () => this.attributes('.git/info/attributes'))
    this.chance(0.1, 'core.attributesFile', () => {
      this.attributes('.git/mine')
      this.git('config', 'core.attributesFile', this.at('.git/mine'))
    })
    if (random.next() < 0.25) this.setting(random.pick(SETTINGS))
    this.chance(0.04, 'includeIf', () => {
      fs.writeFileSync(this.at('.git/extra'), '[core]\n\tautocrlf = true\n')
      this.git('config', 'includeIf.gitdir:**/worktrees/**.path', this.at('.git/extra'))
    })
    this.chance(0.05, 'sparse', () => this.tryGit('sparse-checkout', 'set', '--cone', 'src'))
    this.chance(0.03, 'sparse, no cone', () => this.tryGit('sparse-checkout', 'set', '--no-cone', '*.txt', '!docs/'))
    this.chance(0.04, 'replaced blob', () => {
      const [blob] = this.git('ls-tree', '-r', 'HEAD').match(/(?<=blob )\S+/g) ?? []
      const other = this.git('hash-object', '-w', '/dev/null')
      if (blob && other && blob !== other) this.tryGit('replace', '-f', blob, other)
    })
    this.chance(0.1, 'packed', () => this.git('repack', '-q', '-a', '-d'))
  }

  tracked() {
    const names = this.git('ls-files', '-z').split('\0').filter(Boolean)
    return names.length > 0 ? this.random.pick(names) : 'none'
  }

  /** What a person or an agent may have left in the main worktree. */
  dirty() {
    const write = (name, data) => this.put(name, (file) => fs.writeFileSync(file, data))
    this.chance(0.3, 'modified', () => write(this.tracked(), 'modified\n'))
    this.chance(0.15, 'modified, same size and times', () => {
      const name = this.tracked()
      if (!fs.lstatSync(this.at(name), { throwIfNoEntry: false })?.isFile()) return
      const { atime, mtime, size } = fs.statSync(this.at(name))
      fs.writeFileSync(this.at(name), Buffer.alloc(size, 'z'))
      fs.utimesSync(this.at(name), atime, mtime)
    })
    this.chance(0.2, 'deleted', () => fs.rmSync(this.at(this.tracked()), { recursive: true, force: true }))
    this.chance(0.15, 'touched', () => this.tryTouch(this.tracked()))
    this.chance(0.15, 'changed mode', () => {
      const file = this.at(this.tracked())
      if (fs.lstatSync(file, { throwIfNoEntry: false })?.isFile()) fs.chmodSync(file, 0o751)
    })
    this.chance(0.1, 'a link instead', () => this.put(this.tracked(), (file) => fs.symlinkSync('/etc/passwd', file)))
    this.chance(0.1, 'a directory instead', () => this.put(this.tracked(), (file) => fs.mkdirSync(file)))
    this.chance(0.05, 'a linked directory instead', () => {
      fs.mkdirSync(this.sandbox.path('elsewhere'), { recursive: true })
      this.put('src', (file) => fs.symlinkSync(this.sandbox.path('elsewhere'), file))
    })
    this.chance(0.2, 'staged', () => {
      write('staged', 'staged\n')
      this.tryGit('add', '--', 'staged')
    })
    this.chance(0.1, 'staged change', () => {
      const name = this.tracked()
      write(name, 'staged change\n')
      this.tryGit('--literal-pathspecs', 'add', '--', name)
    })
    this.chance(0.1, 'intent to add', () => {
      write('intended', 'not yet\n')
      this.tryGit('add', '--intent-to-add', '--', 'intended')
    })
    this.chance(0.1, 'assumed unchanged', () => {
      const name = this.tracked()
      this.tryGit('update-index', '--assume-unchanged', '--', name)
      write(name, 'hidden change\n')
    })
    this.chance(0.05, 'skip-worktree', () => this.tryGit('update-index', '--skip-worktree', '--', this.tracked()))
    this.chance(0.1, 'conflict', () => {
      const base = this.git('rev-parse', 'HEAD')
      if (!this.tryGit('checkout', '-q', '-f', '-b', 'theirs')) return
      write('a.txt', 'theirs\n')
      this.tryGit('add', '-f', '--', 'a.txt')
      this.tryGit('commit', '-q', '-m', 'theirs')
      this.tryGit('checkout', '-q', '-f', 'main')
      write('a.txt', 'ours\n')
      this.tryGit('add', '-f', '--', 'a.txt')
      this.tryGit('commit', '-q', '-m', `ours of ${base}`)
      this.tryGit('merge', '-q', 'theirs')
    })
    this.chance(0.1, 'detached', () => this.tryGit('checkout', '-q', '--detach'))
    this.chance(0.05, 'no index', () => fs.rmSync(this.at('.git/index'), { force: true }))
    this.chance(0.05, 'split index', () => this.tryGit('update-index', '--split-index'))
  }

  tryTouch(name) {
    if (fs.lstatSync(this.at(name), { throwIfNoEntry: false })?.isFile()) fs.utimesSync(this.at(name), 1e9, 1e9)
  }

  /** A base to start from: mostly HEAD. */
  base() {
    return this.random.next() < 0.55 ? undefined : this.random.pick(['HEAD', 'other', 'main', 'other~0', 'HEAD~1', 'main~1'])
  }
}

module.exports = { OddRepository }
