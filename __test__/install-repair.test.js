'use strict'
// `okstra ensure-installed`: silent when all is well, and mending each kind of damage by itself.

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { sandbox } = require('./helpers/repository.js')
const { content, makePackage, treeOf } = require('./helpers/package.js')
const { isLater } = require('../launcher/install/versions.js')

const UNIX = process.platform !== 'win32'

function installed(t) {
  const box = sandbox(t)
  const one = makePackage(path.join(box.dir, 'one'))
  const skills = path.join(box.home, '.claude', 'skills')
  const ensure = (bin, ...args) => box.okstra(['ensure-installed', ...args], { bin })
  const whole = () => Object.fromEntries(Object.entries(treeOf(box.home)).filter(([name]) => !/manifest\.json|installation\.lock/.test(name)))
  return { ...box, one, skills, ensure, whole, in: (name) => path.join(box.okstraHome, name) }
}

async function quiet({ ensure, one }) {
  assert.deepEqual(await ensure(one), { code: 0, signal: null, stdout: '', stderr: '' })
}

test('nothing is installed: it installs, and is silent from then on', async (t) => {
  const box = installed(t)
  const first = await box.ensure(box.one)
  assert.deepEqual([first.code, first.stdout], [0, ''])
  assert.equal(first.stderr, `okstra 1.0.0: nothing is installed; brought in order in ${box.okstraHome}, with the skills in ${box.skills}\nwrote 6 files\n`)
  await quiet(box)
  const { home, version, repaired, changed } = JSON.parse((await box.ensure(box.one, '--json')).stdout)
  assert.deepEqual([home, version, repaired, changed], [box.okstraHome, '1.0.0', false, []])
})

test('each kind of damage is mended, and named', async (t) => {
  const box = installed(t)
  await box.okstra(['install'], { bin: box.one })
  const sound = box.whole()
  const setup = path.join(box.skills, 'okstra-setup')
  const damages = {
    'a missing file': [() => fs.rmSync(box.in('templates/reports/final.md')), /final\.md is missing/],
    'a missing directory': [() => fs.rmSync(box.in('python'), { recursive: true }), /__init__\.py is missing/],
    'a missing skill of the agent': [() => fs.rmSync(setup, { recursive: true }), /SKILL\.md is missing/],
    'the whole folder of skills': [() => fs.rmSync(box.skills, { recursive: true }), /SKILL\.md is missing/],
    'no manifest': [() => fs.rmSync(box.in('install'), { recursive: true }), /nothing is installed/],
    'a torn manifest': [() => fs.truncateSync(box.in('install/manifest.json'), 300), /the manifest is damaged/],
    'an empty manifest': [() => fs.truncateSync(box.in('install/manifest.json'), 0), /the manifest is damaged/],
    'a manifest of another shape': [() => fs.writeFileSync(box.in('install/manifest.json'), '{"schema":1,"files":[null]}'), /the manifest is damaged/],
    'an installation that was killed': [() => fs.writeFileSync(box.in('install/pending.json'), '{"schema":1,"files":[]}'), /was interrupted/],
    'a torn pending record': [() => fs.writeFileSync(box.in('install/pending.json'), '{"sch'), /was interrupted/],
    'no home': [() => fs.rmSync(box.okstraHome, { recursive: true }), /nothing is installed/],
    'an older version': [
      () => {
        const manifest = JSON.parse(fs.readFileSync(box.in('install/manifest.json'), 'utf8'))
        fs.writeFileSync(box.in('install/manifest.json'), JSON.stringify({ ...manifest, version: '0.9.0' }))
      },
      /0\.9\.0 was installed/,
    ],
  }
  for (const [what, [damage, said]] of Object.entries(damages)) {
    damage()
    const { code, stdout, stderr } = await box.ensure(box.one)
    assert.deepEqual([code, stdout], [0, ''], `${what}: ${stderr}`)
    assert.match(stderr, said, what)
    assert.deepEqual(box.whole(), sound, what)
    await quiet(box)
  }
})

test('a changed or touched file counts as whole; a changed one is named with --json', async (t) => {
  const box = installed(t)
  await box.okstra(['install'], { bin: box.one })
  const [changed, touched] = [path.join(box.skills, 'okstra-setup', 'SKILL.md'), box.in('templates/reports/final.md')]
  fs.appendFileSync(changed, 'mine')
  fs.utimesSync(touched, 1, 1)
  await quiet(box)
  assert.deepEqual(JSON.parse((await box.ensure(box.one, '--json')).stdout).changed, [changed])
})

test('an upgrade by itself keeps what was changed, in the folder that was chosen', async (t) => {
  const box = installed(t)
  const elsewhere = path.join(box.dir, 'skills')
  await box.okstra(['install', '--skills-dir', elsewhere], { bin: box.one })
  const changed = path.join(elsewhere, 'okstra-setup', 'SKILL.md')
  fs.writeFileSync(changed, 'mine')
  const two = makePackage(path.join(box.dir, 'two'), { version: '1.0.1', files: content('two') })
  const { code, stderr } = await box.ensure(two)
  assert.equal(code, 0)
  assert.match(stderr, /^okstra 1\.0\.1: 1\.0\.0 was installed; /)
  assert.ok(stderr.includes(`kept ${changed}: it was changed; the new one is beside it: ${changed}.okstra-new`), stderr)
  assert.equal(fs.readFileSync(changed, 'utf8'), 'mine')
  assert.equal(fs.existsSync(box.skills), false)
  await quiet({ ...box, one: two })
  // The copy may go once it is read; the changed file may go for good, and comes back as it ships.
  fs.rmSync(`${changed}.okstra-new`)
  await quiet({ ...box, one: two })
  fs.rmSync(changed)
  assert.equal((await box.ensure(two)).code, 0)
  assert.match(fs.readFileSync(changed, 'utf8'), /two/)
})

test('what a later version installed is left as it is, and never repaired with an older one', async (t) => {
  const box = installed(t)
  const two = makePackage(path.join(box.dir, 'two'), { version: '1.10.0', files: content('two') })
  await box.okstra(['install'], { bin: two })
  const sound = treeOf(box.home)
  const { code, stderr } = await box.ensure(box.one)
  assert.equal(code, 0)
  assert.match(stderr, /^okstra 1\.10\.0 is installed in .*; this is 1\.0\.0, which leaves it as it is/)
  assert.deepEqual(treeOf(box.home), sound)
  fs.rmSync(box.in('templates/reports/final.md'))
  const broken = await box.ensure(box.one)
  assert.equal(broken.code, 1)
  assert.match(broken.stderr, /^okstra: cannot repair the installation .*final\.md is missing.*later version, 1\.10\.0/)
  assert.match(broken.stderr, /npx okstra@latest install/)
  fs.writeFileSync(box.in('install/manifest.json'), '{"schema":2,"version":"9.0.0"}')
  for (const command of ['ensure-installed', 'install', 'uninstall']) {
    const { code: exit, stdout } = await box.okstra([command, '--json'], { bin: box.one })
    const { error } = JSON.parse(stdout)
    assert.deepEqual([exit, error.code], [1, 'OKSTRA_INSTALLATION_BROKEN'], command)
    assert.match(error.message + error.hint, /9\.0\.0.*npx okstra@latest install/)
  }
})

test('what cannot be mended fails with the reason and the way out, each time', { skip: !UNIX }, async (t) => {
  const box = installed(t)
  await box.okstra(['install'], { bin: box.one })
  const skill = path.join(box.skills, 'okstra-setup', 'SKILL.md')
  fs.rmSync(skill)
  fs.symlinkSync('nowhere', skill)
  for (let i = 0; i < 2; i++) {
    const { code, stderr } = await box.ensure(box.one)
    assert.equal(code, 1)
    assert.match(stderr, /^okstra: cannot repair the installation in .*SKILL\.md is missing, and okstra replaces nothing that it did not write\n {2}.*`npx okstra@latest install`/)
  }
  fs.rmSync(skill)
  fs.rmSync(box.in('python'), { recursive: true })
  fs.writeFileSync(box.in('python'), '')
  const { code, stdout } = await box.ensure(box.one, '--json')
  assert.equal(code, 1)
  const { error } = JSON.parse(stdout)
  assert.equal(error.code, 'OKSTRA_UNSAFE_HOME')
  assert.match(error.hint, /^Move .*python away.* Then: Run `npx okstra@latest install`\.$/)
})

test('the quiet path loads no addon, hashes nothing and reads few modules', async (t) => {
  const { one, dir, env, okstra } = installed(t)
  await okstra(['install'], { bin: one })
  const preload = path.join(dir, 'trace.js')
  fs.writeFileSync(preload, "process.on('exit', () => console.error(JSON.stringify(Object.keys(require.cache).concat(process.moduleLoadList.filter((name) => / crypto$/.test(name))))))")
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-r', preload, one, 'ensure-installed'], { env, encoding: 'utf8' })
  assert.deepEqual([status, stdout], [0, ''])
  const loaded = JSON.parse(stderr).filter((file) => file !== preload)
  assert.ok(loaded.length <= 7, loaded.join('\n'))
  assert.ok(!loaded.some((name) => /index\.js$|\.node$|crypto/.test(name)), loaded.join('\n'))
})

test('which version is later', () => {
  const ascending = ['0.9.9', '0.10.0', '1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta.2', '1.0.0-beta.11', '1.0.0-rc.1', '1.0.0', '1.0.1']
  ascending.forEach((one, i) => ascending.forEach((other, j) => assert.equal(isLater(one, other), i > j, `${one} ${other}`)))
  for (const odd of [undefined, '', 'x', '1.0']) assert.deepEqual([isLater(odd, '1.0.0'), isLater('1.0.0', odd)], [false, false])
})
