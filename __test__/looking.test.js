'use strict'
// Looking at worktrees: who counts as being inside, and what of the repositories' configuration is run.

const assert = require('node:assert/strict')
const { spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { sandbox, BIN } = require('./helpers/repository.js')

const linux = { skip: process.platform !== 'linux' && 'only Linux tells of other processes' }

/** A repository with a task whose worktree holds a cache. */
async function withCache(t) {
  const box = sandbox(t)
  const root = box.repository('shop', { files: { a: 'a\n', '.gitignore': 'node_modules\n' } })
  const made = await box.okstra(['provision', 'g/t', '--phase', 'one', '--project', 'shop', '--json'], { cwd: root })
  const tree = JSON.parse(made.stdout).path
  const cache = path.join(tree, 'node_modules')
  fs.mkdirSync(cache)
  fs.writeFileSync(path.join(cache, 'a'), 'x')
  /** Runs a script in the worktree; `$OKSTRA` is the command. */
  const shell = (script) => {
    const child = spawn('sh', ['-c', script], { cwd: tree, env: { ...box.env, NODE: process.execPath, BIN }, stdio: ['ignore', 'pipe', 'pipe'] })
    return new Promise((resolve) => {
      let output = ''
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
      child.on('close', () => resolve(output))
    })
  }
  return { ...box, root, tree, cache, shell }
}

test('the other end of its own pipe is nobody at work', linux, async (t) => {
  const { cache, shell } = await withCache(t)
  const pipelines = [
    '"$NODE" "$BIN" reclaim shop/g/t --yes 2>&1 | cat',
    '"$NODE" "$BIN" reclaim shop/g/t --yes 2>&1 | grep -v nothing | cat | cat',
    'yes | "$NODE" "$BIN" reclaim shop/g/t --yes 2>&1 | (cat; true)',
  ]
  for (const pipeline of pipelines) {
    fs.mkdirSync(cache, { recursive: true })
    fs.writeFileSync(path.join(cache, 'a'), 'x')
    const output = await shell(pipeline)
    assert.ok(!fs.existsSync(cache), `${pipeline}: ${output}`)
  }
})

test('a background job of the same script is at work, also with the same output', linux, async (t) => {
  const { cache, shell } = await withCache(t)
  const output = await shell('sleep 600 & "$NODE" "$BIN" reclaim shop/g/t --yes 2>&1 | cat; kill $!')
  assert.match(output, /sleep 600/)
  assert.ok(fs.existsSync(cache))
})

/** Everything that git may run by configuration, each writing its name into `log`. */
function everyProgram(log) {
  const tell = (name, more = '') => `sh -c 'echo ${name} >> "${log}"; ${more}' --`
  return {
    'filter.own.clean': tell('clean', 'sed s/content/pointer/'),
    'filter.own.smudge': tell('smudge', 'sed s/pointer/content/'),
    'filter.own.required': 'true',
    'filter.a=b.process': tell('process'),
    'core.fsmonitor': tell('fsmonitor'),
    'core.pager': tell('pager'),
    'core.editor': tell('editor'),
    'core.sshCommand': tell('ssh'),
    'core.askPass': tell('askpass'),
    'core.gitProxy': tell('proxy'),
    'credential.helper': `!${tell('credentials')}`,
    'diff.external': tell('external diff'),
    'diff.own.command': tell('diff'),
    'diff.own.textconv': tell('textconv', 'cat "$1"'),
    'merge.own.driver': tell('merge'),
    'gpg.program': tell('gpg'),
    'log.showSignature': 'true',
    'interactive.diffFilter': tell('filter of diffs'),
    'pager.status': tell('pager of status'),
    'pager.log': tell('pager of log'),
    'sequence.editor': tell('sequence editor'),
    'submodule.sub.update': `!${tell('update')}`,
    'protocol.allow': 'always',
    'protocol.ext.allow': 'always',
    'status.submoduleSummary': 'true',
    'hook.mine.command': tell('configured hook'),
    'hook.mine.event': 'post-index-change',
  }
}

const HOOKS = ['post-index-change', 'reference-transaction', 'post-checkout', 'pre-auto-gc', 'fsmonitor-watchman', 'post-rewrite']

test('looking runs nothing that a repository configures', { skip: process.platform === 'win32' && 'the programs are shell scripts' }, async (t) => {
  const box = sandbox(t)
  const { git } = box
  const log = path.join(box.dir, 'log')
  const library = box.repository('library', { files: { 'x.bin': 'pointer\n', '.gitattributes': '*.bin filter=own\n' } })
  const root = box.repository('shop', {
    files: { 'a.bin': 'pointer\n', 'b.bin': 'pointer\n', 'c.process': 'pointer\n', d: 'd\n', '.gitattributes': '*.bin filter=own diff=own merge=own\n*.process filter=a=b\n', '.gitignore': 'node_modules\n' },
  })
  git(['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library, 'sub'], { cwd: root })
  git(['commit', '-qm', 'sub'], { cwd: root })
  const provision = async (task) => JSON.parse((await box.okstra(['provision', task, '--phase', 'one', '--project', 'shop', '--json'], { cwd: root })).stdout).path
  const trees = [await provision('g/one'), await provision('g/two'), await provision('g/merged')]
  await box.okstra(['release', 'shop/g/merged'], { cwd: root })
  for (const tree of trees) {
    git(['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'update', '--init'], { cwd: tree })
    fs.mkdirSync(path.join(tree, 'node_modules'))
    fs.writeFileSync(path.join(tree, 'node_modules/a'), 'x')
    if (tree === trees[2]) continue
    fs.writeFileSync(path.join(tree, 'new.bin'), 'x')
    fs.writeFileSync(path.join(tree, 'd'), 'other\n')
  }
  // A branch on both sides of which the same file changed, for a merge to be tried.
  fs.writeFileSync(path.join(trees[0], 'a.bin'), 'pointer\nmore\n')
  git(['commit', '-qam', 'more'], { cwd: trees[0] })
  fs.writeFileSync(path.join(root, 'a.bin'), 'pointer\nelse\n')
  git(['commit', '-qam', 'else'], { cwd: root })
  const programs = Object.entries(everyProgram(log))
  const configs = [path.join(root, '.git/config'), git(['rev-parse', '--path-format=absolute', '--git-path', 'config'], { cwd: path.join(trees[0], 'sub') })]
  for (const config of configs) for (const [key, value] of programs) git(['config', '-f', config, key, value])
  for (const hook of HOOKS) fs.writeFileSync(path.join(root, '.git/hooks', hook), `#!/bin/sh\necho ${hook} >> '${log}'\n`, { mode: 0o755 })
  // A partial clone that lacks what it would have to fetch through a program.
  const transport = path.join(box.dir, 'transport')
  fs.writeFileSync(transport, `#!/bin/sh\necho fetched >> '${log}'\n`, { mode: 0o755 })
  git(['config', 'remote.far.url', `ext::${transport.replaceAll(' ', '% ')}`], { cwd: root })
  git(['config', 'remote.far.promisor', 'true'], { cwd: root })
  git(['config', 'extensions.partialClone', 'far'], { cwd: root })
  const blob = git(['rev-parse', 'HEAD:d'], { cwd: root })
  fs.rmSync(path.join(root, '.git/objects', blob.slice(0, 2), blob.slice(2)))
  const later = new Date(Date.now() + 5000)
  for (const tree of trees) for (const name of ['a.bin', 'b.bin', 'c.process', 'd', 'sub/x.bin']) fs.utimesSync(path.join(tree, name), later, later)

  // The programs do run where git is let loose; each of these would find one.
  for (const words of [['status', '--porcelain'], ['cat-file', '-p', blob]]) spawnSync('git', words, { cwd: trees[0], env: box.env })
  for (const name of ['clean', 'process', 'fsmonitor', 'fetched']) assert.match(fs.readFileSync(log, 'utf8'), new RegExp(name))
  for (const tree of trees) for (const name of ['a.bin', 'b.bin', 'c.process', 'd', 'sub/x.bin']) fs.utimesSync(path.join(tree, name), later, new Date(later.getTime() + 5000))
  fs.rmSync(log)
  const looks = [
    ['list'], ['list', '--json', '--disk'], ['list', '--fast'], ['list', '--spares'], ['list', '--porcelain'],
    ['show', 'shop/g/one'], ['show', 'shop/g/two', '--json'], ['path', 'shop/g/one'], ['disk'], ['disk', '--json'],
    ['reclaim', '--dry-run'], ['reclaim', 'shop/g/one', '--dry-run'], ['prune', '--dry-run', '--older-than', '0'],
    ['doctor'], ['guard', path.join(trees[0], 'd'), '--task', 'shop/g/one'], ['history'], ['check-project'], ['paths'],
  ]
  for (const cwd of [root, trees[0]]) {
    for (const look of looks) {
      const { stderr } = await box.okstra(look, { cwd })
      assert.ok(!fs.existsSync(log), `${look.join(' ')} ran ${fs.existsSync(log) && fs.readFileSync(log, 'utf8')} ${stderr}`)
    }
  }
  const { tasks } = JSON.parse((await box.okstra(['list', '--json'], { cwd: root })).stdout)
  for (const task of tasks) assert.ok(task.work && task.merged, JSON.stringify(task))
})

test('a file that a filter wrote is clean until it is touched', { skip: process.platform === 'win32' && 'the filter is a shell command' }, async (t) => {
  const box = sandbox(t)
  const root = box.repository('shop', { files: { 'a.bin': 'pointer\n', 'b.txt': 'b\n', '.gitattributes': '*.bin filter=own\n' } })
  box.git(['config', 'filter.own.clean', 'sed s/content/pointer/'], { cwd: root })
  box.git(['config', 'filter.own.smudge', 'sed s/pointer/content/'], { cwd: root })
  const { path: tree } = JSON.parse((await box.okstra(['provision', 'g/t', '--phase', 'one', '--project', 'shop', '--json'], { cwd: root })).stdout)
  const work = async () => JSON.parse((await box.okstra(['list', '--json'], { cwd: root })).stdout).tasks[0].work.unstaged
  assert.equal(fs.readFileSync(path.join(tree, 'a.bin'), 'utf8'), 'content\n')
  assert.equal(await work(), 0)
  await box.okstra(['release', 'shop/g/t'], { cwd: root })
  const proposed = JSON.parse((await box.okstra(['prune', '--dry-run', '--json', '--older-than', '0'], { cwd: root })).stdout)
  assert.match(JSON.stringify(proposed), /merged:shop\/g\/t/)
  fs.writeFileSync(path.join(tree, 'b.txt'), 'c\n')
  assert.equal(await work(), 1, 'beside a change')
  const later = new Date(Date.now() + 5000)
  fs.utimesSync(path.join(tree, 'a.bin'), later, later)
  assert.equal(await work(), 2, 'it may have been changed')
  fs.writeFileSync(path.join(tree, 'b.txt'), 'b\n')
  // A removal asks the filter.
  const removed = await box.okstra(['remove', 'shop/g/t'], { cwd: root })
  assert.equal(removed.code, 0, removed.stderr)
})
