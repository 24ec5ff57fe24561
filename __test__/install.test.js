'use strict'
// `okstra install` and `uninstall`: what they write, keep and take away.

const assert = require('node:assert/strict')
const { createHash } = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { sandbox } = require('./helpers/repository.js')
const { content, makePackage, treeOf } = require('./helpers/package.js')

const UNIX = process.platform !== 'win32'

/** A sandbox with packages of two versions, and where they install to. */
function installer(t) {
  const box = sandbox(t)
  const one = makePackage(path.join(box.dir, 'one'))
  const two = makePackage(path.join(box.dir, 'two'), { version: '2.0.0', files: content('two') })
  const skills = path.join(box.home, '.claude', 'skills')
  const setup = path.join(skills, 'okstra-setup', 'SKILL.md')
  const run = async (bin, args, options) => {
    const result = await box.okstra(args, { ...options, bin })
    return { ...result, json: result.stdout.startsWith('{') ? JSON.parse(result.stdout) : undefined }
  }
  const good = async (bin, ...args) => {
    const result = await run(bin, args)
    assert.equal(result.code, 0, result.stderr + result.stdout)
    return result
  }
  return { ...box, one, two, skills, setup, run, good, manifest: path.join(box.okstraHome, 'install', 'manifest.json') }
}

const rendered = (word, name) => `---\nname: ${name}\n---\n\n## Opening step\n\nRun the block: \`$&\`.\n\n${word}\n`

test('a first installation: everything in the home, the skills also for the agent, and a manifest of it', async (t) => {
  const { one, good, okstraHome, skills, home, manifest } = installer(t)
  const { stdout, stderr } = await good(one, 'install')
  assert.equal(stdout, `okstra 1.0.0 is installed in ${okstraHome}, its skills in ${skills}\n`)
  assert.equal(stderr, 'wrote 6 files\n')
  const { 'install/manifest.json': text, ...tree } = treeOf(okstraHome)
  assert.deepEqual(Object.keys(tree), [
    'python/okstra/__init__.py', 'skills/okstra-history/SKILL.md', 'skills/okstra-setup/SKILL.md',
    'state/locks/installation.lock', 'state/locks/installation.lock.owner', 'templates/reports/final.md',
  ])
  assert.equal(tree['skills/okstra-setup/SKILL.md'], rendered('one', 'okstra-setup'))
  assert.deepEqual(treeOf(skills), {
    'okstra-history/SKILL.md': rendered('one', 'okstra-history'),
    'okstra-setup/SKILL.md': rendered('one', 'okstra-setup'),
  })
  const { schema, version, skillsDir, files } = JSON.parse(text)
  assert.deepEqual([schema, version, skillsDir, files.length], [1, '1.0.0', skills, 6])
  for (const { path: name, sha256, size, mtimeMs } of files) {
    const file = path.resolve(okstraHome, name)
    assert.equal(createHash('sha256').update(fs.readFileSync(file)).digest('hex'), sha256)
    assert.deepEqual([size, mtimeMs], [fs.statSync(file).size, fs.statSync(file).mtimeMs])
  }
  if (UNIX) {
    const mode = (file) => fs.statSync(file).mode & 0o777
    assert.equal(mode(okstraHome), 0o700)
    assert.equal(mode(path.join(okstraHome, 'python')), 0o700)
    assert.equal(mode(path.join(skills, 'okstra-setup', 'SKILL.md')), 0o644 & ~process.umask())
  }
  assert.deepEqual(fs.readdirSync(home).sort(), ['.claude', '.okstra'])
  assert.ok(fs.existsSync(manifest))
})

test('installing again changes nothing, not even the manifest', async (t) => {
  const { one, good, home } = installer(t)
  await good(one, 'install')
  const stats = () => fs.readdirSync(home, { recursive: true }).filter((name) => !name.includes('installation.lock')).map((name) => {
    const { ino, mtimeMs, size } = fs.lstatSync(path.join(home, name))
    return [name, ino, mtimeMs, size]
  })
  const before = stats()
  const { stderr } = await good(one, 'install')
  assert.equal(stderr, 'everything was in place already\n')
  const after = stats()
  // `pending.json` is not even made: a directory's time would tell.
  assert.deepEqual(after, before)
})

test('--dry-run tells every file and changes nothing', async (t) => {
  const { one, two, good, home, setup } = installer(t)
  const fresh = await good(one, 'install', '--dry-run')
  assert.equal(fresh.stdout.split('\n').filter((line) => line.startsWith('would write ')).length, 6)
  assert.deepEqual(fs.readdirSync(home), [])
  await good(one, 'install')
  assert.equal((await good(one, 'install', '--dry-run')).stdout, 'nothing would change\n')
  fs.writeFileSync(setup, 'mine')
  const before = treeOf(home)
  const { json } = await good(two, 'install', '--dry-run', '--json')
  assert.deepEqual([json.dryRun, json.previous, json.replaced.length, json.written], [true, '1.0.0', 5, [`${setup}.okstra-new`]])
  assert.deepEqual(json.kept, [{ path: setup, reason: 'it was changed', newVersion: `${setup}.okstra-new` }])
  const text = (await good(two, 'install', '--dry-run')).stdout
  assert.match(text, /^would replace .*final\.md$/m)
  assert.ok(text.includes(`would keep ${setup}: it was changed; the new one is beside it: ${setup}.okstra-new`))
  assert.match((await good(two, 'uninstall', '--dry-run')).stdout, /^would remove .*final\.md$/m)
  assert.deepEqual(treeOf(home), before)
})

test('an upgrade replaces what okstra wrote, and keeps a changed file beside the new one', async (t) => {
  const { one, two, good, setup, skills, okstraHome, manifest } = installer(t)
  await good(one, 'install')
  fs.writeFileSync(setup, 'mine')
  const { stderr, json } = await good(two, 'install', '--json')
  assert.equal(stderr, '')
  assert.deepEqual(json.kept, [{ path: setup, reason: 'it was changed', newVersion: `${setup}.okstra-new` }])
  assert.equal(json.replaced.length, 5)
  assert.deepEqual(treeOf(skills), {
    'okstra-history/SKILL.md': rendered('two', 'okstra-history'),
    'okstra-setup/SKILL.md': 'mine',
    'okstra-setup/SKILL.md.okstra-new': rendered('two', 'okstra-setup'),
  })
  assert.equal(fs.readFileSync(path.join(okstraHome, 'python/okstra/__init__.py'), 'utf8'), 'WORD = "two"\n')
  // Once more: named again, and nothing is piled up.
  const again = await good(two, 'install')
  assert.match(again.stderr, /^kept .*SKILL\.md: it was changed; the new one is beside it: .*\.okstra-new$/m)
  assert.deepEqual(Object.keys(treeOf(skills)).length, 3)
  // Taken over by its user: the copy beside it goes.
  fs.renameSync(`${setup}.okstra-new`, setup)
  await good(two, 'install')
  assert.deepEqual(Object.keys(treeOf(skills)), ['okstra-history/SKILL.md', 'okstra-setup/SKILL.md'])
  assert.equal(JSON.parse(fs.readFileSync(manifest, 'utf8')).files.some(({ kept }) => kept), false)
  await good(one, 'install')
  assert.equal(fs.readFileSync(setup, 'utf8'), rendered('one', 'okstra-setup'), 'it is replaced like any other')
})

test('what was changed beside a kept file stays too', async (t) => {
  const { one, two, good, setup } = installer(t)
  await good(one, 'install')
  fs.writeFileSync(setup, 'mine')
  await good(one, 'install')
  fs.writeFileSync(`${setup}.okstra-new`, 'half merged')
  const { stderr } = await good(two, 'install')
  assert.equal(fs.readFileSync(`${setup}.okstra-new`, 'utf8'), 'half merged')
  assert.match(stderr, /^kept .*\.okstra-new: it was changed$/m)
})

test('a file that was there before okstra is not okstra\'s, unless it is the same', async (t) => {
  const { one, good, setup, skills, run } = installer(t)
  const history = path.join(skills, 'okstra-history', 'SKILL.md')
  for (const file of [setup, history]) fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(setup, 'older than okstra')
  fs.writeFileSync(history, rendered('one', 'okstra-history'))
  fs.writeFileSync(path.join(skills, 'okstra-setup', 'notes.md'), 'notes')
  const { json } = await good(one, 'install', '--json')
  assert.deepEqual(json.kept, [{ path: setup, reason: 'it is not from okstra', newVersion: `${setup}.okstra-new` }])
  await good(one, 'uninstall')
  assert.deepEqual(treeOf(skills), { 'okstra-setup/SKILL.md': 'older than okstra', 'okstra-setup/notes.md': 'notes' })
  assert.equal((await run(one, ['uninstall'])).code, 0)
})

test('what a version no longer ships goes when it is unchanged, and stays when not', async (t) => {
  const { dir, one, good, okstraHome, skills } = installer(t)
  const { 'skills/okstra-history/SKILL.md': _, 'templates/reports/final.md': __, ...less } = content('one')
  const smaller = makePackage(path.join(dir, 'smaller'), { version: '3.0.0', files: less })
  await good(one, 'install')
  const template = path.join(okstraHome, 'templates', 'reports', 'final.md')
  fs.appendFileSync(template, 'mine\n')
  const { json } = await good(smaller, 'install', '--json')
  assert.deepEqual(json.removed.map((file) => path.relative(okstraHome, file)), ['skills/okstra-history/SKILL.md', '../.claude/skills/okstra-history/SKILL.md'])
  assert.deepEqual(json.kept, [{ path: template, reason: 'it was changed' }])
  assert.deepEqual(fs.readdirSync(skills), ['okstra-setup'])
  assert.equal(fs.existsSync(path.join(okstraHome, 'skills', 'okstra-history')), false)
})

test('where the skills go: --skills-dir, CLAUDE_CONFIG_DIR, the present place, and moving them', async (t) => {
  const { dir, one, run, good, skills, manifest } = installer(t)
  const other = path.join(dir, 'other skills')
  await good(one, 'install', '--skills-dir', 'other skills')
  assert.deepEqual(fs.readdirSync(other).sort(), ['okstra-history', 'okstra-setup'])
  assert.equal(fs.existsSync(skills), false)
  await good(one, 'install')
  assert.equal(JSON.parse(fs.readFileSync(manifest, 'utf8')).skillsDir, other, 'the choice is remembered')
  fs.appendFileSync(path.join(other, 'okstra-setup', 'SKILL.md'), 'mine')
  const configured = path.join(dir, 'claude')
  const { code, stderr } = await run(one, ['install'], { env: { CLAUDE_CONFIG_DIR: configured } })
  assert.equal(code, 0)
  assert.deepEqual(Object.keys(treeOf(path.join(configured, 'skills'))).length, 2)
  assert.deepEqual(Object.keys(treeOf(other)), ['okstra-setup/SKILL.md'], 'only what was changed stays behind')
  assert.match(stderr, /^kept .*other skills.*: it was changed$/m)
  const repaired = await run(one, ['ensure-installed'], { env: { CLAUDE_CONFIG_DIR: path.join(dir, 'third') } })
  assert.deepEqual([repaired.code, repaired.stderr], [0, ''], 'another environment does not move them')
})

test('links are neither followed nor replaced', { skip: !UNIX }, async (t) => {
  const { dir, one, two, run, good, setup, skills, okstraHome } = installer(t)
  await good(one, 'install')
  const outside = path.join(dir, 'outside')
  fs.mkdirSync(outside)
  const target = path.join(outside, 'SKILL.md')
  // A link with exactly the content that okstra wrote is still a link.
  fs.renameSync(setup, target)
  fs.symlinkSync(target, setup)
  const history = path.join(skills, 'okstra-history')
  fs.rmSync(history, { recursive: true })
  fs.mkdirSync(path.join(outside, 'history'))
  fs.writeFileSync(path.join(outside, 'history', 'SKILL.md'), rendered('one', 'okstra-history'))
  fs.symlinkSync(path.join(outside, 'history'), history)
  const before = treeOf(outside)
  const { json } = await good(two, 'install', '--json')
  assert.deepEqual(json.kept.map(({ path: file, reason }) => [file, reason]).sort(), [
    [path.join(history, 'SKILL.md'), `${history} is a link, and okstra does not write through it`],
    [setup, 'a link stands in its place'],
  ])
  assert.deepEqual(treeOf(outside), before)
  assert.equal(fs.readFileSync(`${setup}.okstra-new`, 'utf8'), rendered('two', 'okstra-setup'))
  assert.deepEqual([(await run(two, ['ensure-installed'])).code, (await good(two, 'uninstall')).code], [0, 0])
  assert.deepEqual(treeOf(outside), before)
  assert.deepEqual([fs.readlinkSync(setup), fs.readlinkSync(history)], [target, path.join(outside, 'history')])
  assert.deepEqual(fs.readdirSync(path.dirname(setup)), ['SKILL.md'])
  // In the home, a link where a directory belongs is no place to write to.
  fs.rmSync(path.join(okstraHome, 'templates'), { recursive: true, force: true })
  fs.symlinkSync(outside, path.join(okstraHome, 'templates'))
  const refused = await run(two, ['install', '--json'])
  assert.deepEqual([refused.code, refused.json.error.code], [1, 'OKSTRA_UNSAFE_HOME'])
  assert.equal(refused.json.error.path, path.join(okstraHome, 'templates'))
  assert.deepEqual(treeOf(outside), before)
})

test('a home or a folder that cannot be used: a typed error, and nothing is written', async (t) => {
  const { dir, one, run, okstraHome, home } = installer(t)
  fs.writeFileSync(path.join(dir, 'file'), '')
  const expect = async (code, args, env) => {
    const { code: exit, json, stderr } = await run(one, [...args, '--json'], { env })
    assert.deepEqual([exit, stderr, json.error.code], [1, '', code])
    assert.ok(json.error.hint)
    return json.error
  }
  assert.match((await expect('OKSTRA_IO', ['install', '--skills-dir', 'file/skills'])).message, /^cannot make the directory .*skills: /)
  assert.equal(fs.existsSync(path.join(okstraHome, 'skills')), false)
  await expect('OKSTRA_IO', ['install'], { OKSTRA_HOME: path.join(dir, 'file', 'home') })
  if (UNIX) {
    fs.mkdirSync(path.join(dir, 'open'))
    fs.chmodSync(path.join(dir, 'open'), 0o777)
    for (const command of ['install', 'ensure-installed']) {
      await expect('OKSTRA_UNSAFE_HOME', [command], { OKSTRA_HOME: path.join(dir, 'open') })
    }
    assert.deepEqual(fs.readdirSync(path.join(dir, 'open')), [])
  }
  assert.equal(fs.existsSync(path.join(home, '.claude')), false)
})

test('a package without its content, or with a skill without its step, installs nothing', async (t) => {
  const { dir, one, run, good, home } = installer(t)
  await good(one, 'install')
  const before = treeOf(home)
  fs.rmSync(path.join(dir, 'two', 'skills'), { recursive: true })
  const { code, json } = await run(path.join(dir, 'two', 'bin', 'okstra.js'), ['install', '--json'])
  assert.deepEqual([code, json.error.code], [1, 'OKSTRA_INSTALLATION_BROKEN'])
  assert.match(json.error.hint, /npx okstra@latest install/)
  assert.deepEqual(treeOf(home), { ...before, '.okstra/state/locks/installation.lock.owner': treeOf(home)['.okstra/state/locks/installation.lock.owner'] })
})

test('uninstall takes what okstra wrote, keeps changed files and every task, and says so', async (t) => {
  const { one, good, repository, okstraHome, setup, skills, okstra } = installer(t)
  const root = repository('shop')
  assert.equal((await okstra(['provision', 'g/t', '--phase', 'p'], { cwd: root })).code, 0)
  const tasks = () => Object.fromEntries(Object.entries(treeOf(okstraHome)).filter(([name]) => name.startsWith('worktrees')))
  const before = tasks()
  await good(one, 'install')
  fs.appendFileSync(setup, 'mine')
  fs.mkdirSync(path.join(okstraHome, 'python/okstra/__pycache__'))
  fs.writeFileSync(path.join(okstraHome, 'python/okstra/__pycache__/__init__.cpython-312.pyc'), 'compiled')
  fs.writeFileSync(path.join(skills, 'unrelated.md'), '')
  const { stdout, stderr } = await good(one, 'uninstall')
  assert.equal(stdout, `okstra 1.0.0 is no longer installed in ${okstraHome}\n`)
  assert.equal(stderr, `removed 5 files\nkept ${setup}: it was changed\ntasks, worktrees and the registry in ${okstraHome} stay as they are\n`)
  assert.deepEqual(fs.readdirSync(okstraHome).sort(), ['state', 'worktrees'])
  assert.deepEqual(Object.keys(treeOf(skills)), ['okstra-setup/SKILL.md', 'unrelated.md'])
  assert.deepEqual(tasks(), before)
  assert.match((await okstra(['provision', 'g/t', '--phase', 'q'], { cwd: root })).stderr, /reused/)
})

test('uninstall where nothing is installed: done, and it says so', async (t) => {
  const { one, good, okstraHome } = installer(t)
  for (const args of [['uninstall'], ['uninstall', '--dry-run']]) {
    assert.equal((await good(one, ...args)).stdout, `nothing is installed in ${okstraHome}\n`)
  }
  const { json } = await good(one, 'uninstall', '--json')
  assert.deepEqual(json, { schema: 1, ok: true, home: okstraHome, installed: false, dryRun: false, removed: [], kept: [] })
  assert.equal(fs.existsSync(okstraHome), false)
})
