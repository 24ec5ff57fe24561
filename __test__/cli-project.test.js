'use strict'
// setup and check-project, and the project file that both, and provision, go by.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { sandbox } = require('./helpers/repository.js')

const FILE = path.join('.project-docs', 'okstra', 'project.json')
const unix = { skip: process.platform === 'win32' && 'needs symbolic links and FIFOs' }

function box(t) {
  const all = sandbox(t)
  const json = async (args, cwd, code = 0) => {
    const result = await all.okstra([...args, '--json'], { cwd })
    assert.equal(result.code, code, result.stdout + result.stderr)
    assert.equal(result.stderr, '')
    return JSON.parse(result.stdout)
  }
  const setup = (cwd, ...more) => json(['setup', ...more], cwd)
  const check = (cwd) => json(['check-project'], cwd)
  const refused = async (args, cwd, code) => (await json(args, cwd, code)).error
  const linked = (from, name) => {
    const place = path.join(all.dir, name)
    all.git(['worktree', 'add', '-q', '--detach', place], { cwd: from })
    return place
  }
  return { ...all, json, setup, check, refused, linked }
}

test('setup writes the file, makes the directories, and offers the ignore lines', async (t) => {
  const { okstra, repository, git } = box(t)
  const root = repository('My Shop')
  const first = await okstra(['setup'], { cwd: root })
  assert.deepEqual([first.code, first.stdout], [0, 'project my-shop is set up\n'], first.stderr)
  assert.equal(
    first.stderr,
    [
      `wrote ${path.join(root, FILE)}`,
      'made .project-docs, .scratch, graphify-out',
      '.gitignore does not cover these directories; `okstra setup --gitignore` adds the lines:',
      '  /.project-docs',
      '  /.scratch',
      '  /graphify-out',
      '',
    ].join('\n'),
  )
  assert.equal(fs.readFileSync(path.join(root, FILE), 'utf8'), '{\n  "schemaVersion": 1,\n  "projectId": "my-shop"\n}\n')
  assert.deepEqual(fs.readdirSync(path.join(root, '.project-docs', 'okstra')), ['project.json'], 'no temporary file is left')
  assert.equal(fs.existsSync(path.join(root, '.gitignore')), false, 'nothing is edited unasked')
  const before = fs.statSync(path.join(root, FILE))
  const again = await okstra(['setup'], { cwd: root })
  assert.equal(again.stdout, 'project my-shop is set up already; nothing was changed\n')
  const after = fs.statSync(path.join(root, FILE))
  assert.deepEqual([after.ino, after.mtimeMs], [before.ino, before.mtimeMs])
  assert.equal(git(['status', '--porcelain'], { cwd: root }), '?? .project-docs/')
})

test('setup --gitignore writes a marked block once, and leaves the rest of the file as it is', async (t) => {
  const { setup, repository, git } = box(t)
  const root = repository('shop', { files: { 'graphify-out/kept': 'tracked', '.gitignore': '*.o\r\n# \xe9 no end' } })
  const file = path.join(root, '.gitignore')
  fs.writeFileSync(file, Buffer.from('*.o\r\n# \xe9 no end', 'latin1'), { mode: 0o640 })
  fs.chmodSync(file, 0o640)
  const dry = await setup(root, '--gitignore', '--dry-run')
  assert.deepEqual([dry.gitignore.written, dry.dryRun, dry.file], [true, true, 'created'])
  assert.equal(fs.existsSync(path.join(root, '.project-docs')), false)
  assert.equal(fs.readFileSync(file, 'latin1'), '*.o\r\n# \xe9 no end')

  const { gitignore } = await setup(root, '--gitignore')
  assert.deepEqual(gitignore, { lines: ['/.project-docs', '/.scratch'], written: true }, 'what is tracked is not ignored')
  const block = ['# >>> okstra: directories that all tasks share >>>', '/.project-docs', '/.scratch', '# <<< okstra: directories that all tasks share <<<', '']
  assert.equal(fs.readFileSync(file, 'latin1'), `*.o\r\n# \xe9 no end\r\n${block.join('\r\n')}`)
  assert.equal(fs.statSync(file).mode & 0o777, 0o640)
  const second = await setup(root, '--gitignore')
  assert.deepEqual([second.changed, second.gitignore], [false, { lines: [], written: false }])
  assert.equal(git(['status', '--porcelain'], { cwd: root }), ' M .gitignore')

  git(['rm', '-q', '-r', 'graphify-out'], { cwd: root })
  assert.deepEqual((await setup(root, '--gitignore')).gitignore.lines, ['/graphify-out'])
  assert.equal(fs.readFileSync(file, 'latin1').match(/okstra: directories/g).length, 2, 'still one block')
  assert.ok(fs.readFileSync(file, 'latin1').endsWith('/graphify-out\r\n# <<< okstra: directories that all tasks share <<<\r\n'))
})

test('the shared directories are the configured ones', async (t) => {
  const { okstra, repository, check, env } = box(t)
  const root = repository('shop')
  env.OKSTRA_WORKTREE_SYNC_DIRS = 'notes:build/out put'
  const { stderr } = await okstra(['setup'], { cwd: root })
  assert.match(stderr, /^made notes, build\/out put$/m)
  assert.match(stderr, /^ {2}\/build\/out\\ put$/m)
  assert.ok(fs.statSync(path.join(root, 'build', 'out put')).isDirectory())
  assert.deepEqual((await check(root)).sharedDirs, [{ name: 'notes', present: true }, { name: 'build/out put', present: true }])
  env.OKSTRA_WORKTREE_SYNC_DIRS = '../outside'
  assert.equal((await okstra(['setup'], { cwd: root })).code, 2)
})

test('an id that is there stays; another one is refused, or replaces it when that is asked for', async (t) => {
  const { setup, refused, repository, check } = box(t)
  const root = repository('shop')
  const file = path.join(root, FILE)
  assert.equal((await setup(root, '--project-id', 'Web Shop')).projectId, 'web-shop')
  assert.equal((await setup(root, '--project-id', 'WEB shop')).changed, false, 'the same segment')
  const error = await refused(['setup', '--project-id', 'other'], root, 1)
  assert.deepEqual([error.code, error.path], ['OKSTRA_PROJECT_ID_DIFFERS', file])
  assert.match(error.hint, /--change-id/)
  fs.writeFileSync(file, '{\n\t"warm": 2,\n\t"schemaVersion": 1,\n\t"projectId": "web-shop",\n\t"mine": {"a": [1]}\n}\n')
  assert.equal((await setup(root)).file, 'kept')
  const changed = await setup(root, '--project-id', 'other', '--change-id')
  assert.deepEqual([changed.file, changed.projectId, (await check(root)).projectId], ['changed', 'other', 'other'])
  const expected = { warm: 2, schemaVersion: 1, projectId: 'other', mine: { a: [1] } }
  assert.equal(fs.readFileSync(file, 'utf8'), `${JSON.stringify(expected, null, '\t')}\n`, 'keys, order and indentation are kept')
  fs.writeFileSync(file, '{"warm": 2}')
  assert.equal((await refused(['check-project'], root, 3)).code, 'OKSTRA_PROJECT_NOT_SET_UP')
  assert.equal((await setup(root)).file, 'changed')
  assert.deepEqual(JSON.parse(fs.readFileSync(file, 'utf8')), { schemaVersion: 1, warm: 2, projectId: 'shop' })
  for (const id of ['a/b', '***', 'a\u0007b', 'x'.repeat(201)]) {
    assert.equal((await refused(['setup', '--project-id', id], root, 2)).code, 'OKSTRA_USAGE', id)
  }
  assert.equal((await refused(['setup', '--change-id'], root, 2)).code, 'OKSTRA_USAGE')
})

test('from a subdirectory, a linked worktree and a task: always the file of the main worktree', async (t) => {
  const { setup, check, json, linked, repository, dir } = box(t)
  const root = repository('shop', { files: { 'src/a/b': 'x' } })
  const deep = path.join(root, 'src', 'a')
  const side = linked(root, 'side')
  assert.equal((await json(['check-project'], side, 3)).error.path, path.join(root, FILE))
  assert.equal((await setup(side, '--project-id', 'webshop')).projectFile, path.join(root, FILE))
  assert.equal(fs.existsSync(path.join(side, '.project-docs')), false)
  assert.equal((await setup(deep)).changed, false)
  const { path: task, taskKey } = await json(['provision', 'g/t', '--phase', 'one'], deep)
  assert.equal(taskKey, 'webshop/g/t', 'provision takes the id from the file')
  assert.equal((await setup(task)).changed, false)

  const summary = async (cwd) => {
    const { projectId, projectRoot, worktreeRoot, worktreeKind, branch } = await check(cwd)
    assert.deepEqual([projectId, projectRoot], ['webshop', root])
    return [worktreeRoot, worktreeKind, branch]
  }
  assert.deepEqual(await summary(deep), [root, 'main', 'main'])
  assert.deepEqual(await summary(side), [side, 'linked', null])
  assert.deepEqual(await summary(path.join(task, 'src')), [task, 'task', 'task-t'])
  const found = await check(task)
  assert.deepEqual(found.task, { taskKey: 'webshop/g/t', branch: 'task-t', status: 'active', lastPhase: 'one' })
  const byRoot = await json(['check-project', '--root', task], dir)
  assert.deepEqual(byRoot, found)
  if (process.platform !== 'win32') {
    fs.symlinkSync(deep, path.join(dir, 'short'))
    assert.equal((await json(['check-project', '--root', 'short'], dir)).projectRoot, root, 'a link into the repository')
  }
})

test('check-project tells a person everything', async (t) => {
  const { okstra, repository, git } = box(t)
  const root = repository('shop')
  await okstra(['setup'], { cwd: root })
  fs.rmSync(path.join(root, '.scratch'), { recursive: true })
  git(['checkout', '-q', '--detach'], { cwd: root })
  const { stdout, stderr } = await okstra(['check-project'], { cwd: root })
  const { version } = require('../package.json')
  assert.equal(
    stdout,
    [
      'project   shop',
      `file      ${path.join(root, FILE)}`,
      `root      ${root}`,
      `worktree  ${root} (the main worktree)`,
      'task      none',
      `branch    detached at ${git(['rev-parse', 'HEAD'], { cwd: root }).slice(0, 12)}`,
      'shared    .project-docs, graphify-out; missing: .scratch',
      `git       ${git(['version']).replace('git version ', '')}`,
      `okstra    ${version}`,
      '',
    ].join('\n'),
  )
  assert.equal(stderr, '')
})

test('not set up, and no repository: 3, with a message to be shown as it is', async (t) => {
  const { okstra, repository, refused, dir } = box(t)
  const root = repository('shop')
  const text = await okstra(['check-project'], { cwd: root })
  assert.deepEqual([text.code, text.stdout], [3, ''])
  assert.equal(
    text.stderr,
    `okstra: the project in ${root} is not set up for okstra: there is no ${path.join(root, FILE)}\n` +
      '  Run `okstra setup` there (in an agent: /okstra-setup).\n',
  )
  assert.equal((await refused(['check-project'], root, 3)).code, 'OKSTRA_PROJECT_NOT_SET_UP')
  for (const command of ['setup', 'check-project', 'warm']) {
    assert.equal((await refused([command], dir, 3)).code, 'OKSTRA_NO_REPOSITORY', command)
    assert.equal((await refused([command, '--root', 'nowhere'], dir, 3)).code, 'OKSTRA_ROOT_NOT_FOUND', command)
  }
})

test('a project file that cannot be used: the same message from every command, nothing is changed', async (t) => {
  const { refused, repository } = box(t)
  const root = repository('shop')
  const file = path.join(root, FILE)
  fs.mkdirSync(path.dirname(file), { recursive: true })
  const cases = [
    ['{\n  "projectId": "shop"\n  "warm": 1\n}', /is no JSON: line 3, column 3: expected "," or "}", found "\\""/],
    ['', /is no JSON: line 1, column 1: expected a value, found the end of the file/],
    ['{"projectId": "shop"} x', /line 1, column 23: expected nothing more, found "x"/],
    ['["shop"]', /and not an object/],
    ['{"schemaVersion": 2, "projectId": "shop"}', /schema version 2, and this okstra knows 1 at most/],
    ['{"schemaVersion": "1", "projectId": "shop"}', /schemaVersion is "1", and not a whole number/],
    ['{"projectId": "shop", "warm": -1}', /warm is -1, and not a whole number from 0 to 16/],
    ['{"projectId": 7}', /projectId 7 cannot be used: it is no text/],
    ['{"projectId": " "}', /it is empty/],
    ['{"projectId": "../etc"}', /it holds a slash/],
    ['{"projectId": ".."}', /no letter and no digit/],
    ['{"projectId": "a\\nb"}', /it holds a control character/],
    ['{"projectId": "\\ud800"}', /half a surrogate pair/],
    [Buffer.from([0x7b, 0xff, 0x7d]), /it is not UTF-8/],
    [Buffer.alloc((1 << 20) + 1, ' '), /more than 1048576 are not read/],
  ]
  for (const [content, message] of cases) {
    fs.writeFileSync(file, content)
    for (const args of [['check-project'], ['setup'], ['provision', 'g/t', '--phase', 'p'], ['path', 'g/t']]) {
      const error = await refused(args, root, 2)
      assert.deepEqual([error.code, error.path], ['OKSTRA_PROJECT_INVALID', file], args[0])
      assert.match(error.message, message)
      assert.ok(error.hint)
      if (content.length > 100) break
    }
    assert.deepEqual(fs.readFileSync(file), Buffer.from(content))
  }
  assert.deepEqual(fs.readdirSync(root).sort(), ['.git', '.project-docs', 'README.md'])
  fs.writeFileSync(file, '\ufeff{"projectId": "shop"}')
  assert.equal((await refused(['path', 'g/t'], root, 3)).taskKey, 'shop/g/t', 'a byte order mark is no error')
})

test('links that lead out of the worktree are not written through', unix, async (t) => {
  const { refused, setup, check, okstra, repository, dir } = box(t)
  const root = repository('shop')
  const outside = path.join(dir, 'outside')
  fs.mkdirSync(outside)
  fs.symlinkSync(outside, path.join(root, '.project-docs'))
  const error = await refused(['setup'], root, 1)
  assert.equal(error.code, 'OKSTRA_IO')
  assert.match(error.message, /leads out of/)
  assert.deepEqual([fs.readdirSync(outside), fs.readdirSync(root).sort()], [[], ['.git', '.project-docs', 'README.md']])
  fs.mkdirSync(path.join(outside, 'okstra'))
  fs.writeFileSync(path.join(outside, 'okstra', 'project.json'), '{"projectId": "noted"}')
  assert.equal((await check(root)).projectId, 'noted', 'reading follows it')
  assert.deepEqual((await setup(root)).file, 'kept', 'so does a setup that has nothing to write')
  assert.equal((await refused(['setup', '--project-id', 'x', '--change-id'], root, 1)).code, 'OKSTRA_IO')

  fs.rmSync(path.join(root, '.project-docs'))
  fs.rmSync(path.join(root, '.scratch'), { recursive: true })
  fs.symlinkSync(path.join(dir, 'gone'), path.join(root, '.scratch'))
  fs.rmSync(path.join(root, 'graphify-out'), { recursive: true })
  fs.writeFileSync(path.join(root, 'graphify-out'), 'a file')
  const text = await okstra(['setup'], { cwd: root })
  assert.equal(text.code, 0, text.stderr)
  assert.match(text.stderr, /^did not make \.scratch: .*a symbolic link to nothing$/m)
  assert.match(text.stderr, /^did not make graphify-out: .*not a directory$/m)
  assert.equal(fs.existsSync(path.join(dir, 'gone')), false)

  fs.rmSync(path.join(root, FILE))
  fs.symlinkSync(path.join(dir, 'gone.json'), path.join(root, FILE))
  assert.match((await refused(['setup'], root, 2)).message, /a symbolic link to nothing/)
  fs.rmSync(path.join(root, FILE))
  execFileSync('mkfifo', [path.join(root, FILE)])
  assert.match((await refused(['check-project'], root, 2)).message, /not a regular file/)
  fs.rmSync(path.join(root, FILE))
  fs.symlinkSync(path.join(dir, 'gone.ignore'), path.join(root, '.gitignore'))
  assert.match((await refused(['setup', '--gitignore'], root, 1)).message, /\.gitignore: it is a symbolic link/)
  assert.equal(fs.existsSync(path.join(dir, 'gone.ignore')), false)
})

test('bare repositories, submodules, core.worktree and --separate-git-dir', async (t) => {
  const { setup, check, json, refused, linked, repository, git, dir } = box(t)
  const origin = repository('shop')
  const at = (...names) => path.join(dir, ...names)
  git(['clone', '-q', '--bare', origin, at('Web.git')])
  git(['clone', '-q', '--bare', origin, at('layout', '.bare')])
  fs.writeFileSync(at('layout', '.git'), 'gitdir: ./.bare\n')
  for (const [bare, common, id] of [['Web.git', 'Web.git', 'web'], ['layout', path.join('layout', '.bare'), 'layout']]) {
    const { projectFile, projectId, projectRoot } = await setup(at(bare))
    assert.deepEqual([projectFile, projectId, projectRoot], [at(common, 'okstra', 'project.json'), id, null])
    const side = linked(at(bare), `of ${id}`)
    assert.deepEqual([(await setup(side)).changed, (await check(side)).projectFile], [false, projectFile])
    assert.equal((await json(['provision', 'g/t', '--phase', 'p'], at(bare))).taskKey, `${id}/g/t`)
  }

  const parent = repository('parent')
  git(['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', origin, 'part'], { cwd: parent })
  const part = path.join(parent, 'part')
  assert.equal((await setup(linked(part, 'of part'))).projectFile, path.join(part, FILE), "the submodule's own, not its parent's")
  assert.deepEqual([(await check(part)).projectId, (await refused(['check-project'], parent, 3)).path], ['part', path.join(parent, FILE)])
  assert.equal((await json(['provision', 'g/t', '--phase', 'p'], part)).taskKey, 'part/g/t')

  const apart = repository('apart')
  fs.mkdirSync(at('tree'))
  git(['config', 'core.worktree', at('tree')], { cwd: apart })
  assert.equal((await setup(path.join(apart, '.git'))).projectFile, path.join(at('tree'), FILE))

  git(['init', '-q', '-b', 'main', '--separate-git-dir', at('kept'), at('split')])
  git(['commit', '-q', '--allow-empty', '-m', 'first'], { cwd: at('split') })
  const ofSplit = linked(at('split'), 'of split')
  for (const command of ['setup', 'check-project']) {
    assert.equal((await refused([command], ofSplit, 3)).code, 'OKSTRA_NO_MAIN_WORKTREE')
  }
  await setup(at('split'))
  const task = await json(['provision', 'g/t', '--phase', 'p'], at('split'))
  const found = await check(task.path)
  assert.deepEqual([found.projectRoot, found.task.taskKey], [at('split'), 'split/g/t'], 'a task knows it by its links')
})

test('a line that another process has added meanwhile is not added twice', (t) => {
  const { addLines } = require('../launcher/gitignore.js')
  const { repository } = sandbox(t)
  const root = repository('shop')
  for (const lines of [['/a', '/b'], ['/b', '/c'], ['/a']]) addLines(root, lines)
  const text = fs.readFileSync(path.join(root, '.gitignore'), 'utf8')
  assert.deepEqual(text.split('\n').filter((line) => line.startsWith('/')), ['/a', '/b', '/c'])
})

test('eight setups at once: one file, whole, and all agree', async (t) => {
  const { okstra, repository } = box(t)
  const root = repository('shop')
  const runs = await Promise.all(Array.from({ length: 8 }, () => okstra(['setup', '--gitignore', '--json'], { cwd: root })))
  for (const { code, stdout } of runs) assert.equal(code, 0, stdout)
  assert.equal(runs.filter(({ stdout }) => JSON.parse(stdout).file === 'created').length, 1)
  assert.equal(fs.readFileSync(path.join(root, '.gitignore'), 'utf8').match(/graphify-out/g).length, 1)
  assert.deepEqual(fs.readdirSync(path.join(root, '.project-docs', 'okstra')), ['project.json'])

  const other = repository('other')
  const wishes = await Promise.all(['a', 'b', 'c', 'd'].map((id) => okstra(['setup', '--project-id', id, '--json'], { cwd: other })))
  const won = wishes.filter(({ code }) => code === 0)
  assert.equal(won.length, 1, 'the others are told')
  const { projectId } = JSON.parse(won[0].stdout)
  assert.equal(JSON.parse(fs.readFileSync(path.join(other, FILE), 'utf8')).projectId, projectId)
  for (const { code, stdout } of wishes) {
    if (code !== 0) assert.equal(JSON.parse(stdout).error.code, 'OKSTRA_PROJECT_ID_DIFFERS')
  }
})
