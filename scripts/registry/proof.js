'use strict'

// The proof of the packages: what is published is published, into a registry of its own, and somebody who has nothing
// installs it from there and works with it. `npm run proof`; needs the addon built (`npm run build`).

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { after, before, test } = require('node:test')
const { installDependencies } = require('../install.js')
const { root, tool } = require('../run.js')
const { PLATFORMS, currentPlatform } = require('../../launcher/platforms.js')
const { startRegistry, somebody } = require('./world.js')
const { VERSION, NEXT, nextVersion, binaries } = require('./versions.js')

const HERE = currentPlatform()
const SHELLS = ['bash', 'zsh', 'dash'].filter((shell) => spawnSync(shell, ['-c', ':']).status === 0)
// The prompt of npx, the notice of npm, anything that is out of date: nothing of it may reach the user.
const NOISE = /npm (warn|notice|error)|deprecat|EBADENGINE|ExperimentalWarning|^\s+at /im

let place
let registry
let publisher

/** Runs one of the release's scripts in the sources of a version. */
function script(sources, name, ...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(sources, 'scripts', name), ...args], { env: publisher, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return stdout
}

function stage(sources, version) {
  const staged = path.join(place, `staged-${version}`)
  const built = path.join(place, `binaries-${version}`)
  binaries(sources, built)
  script(sources, 'stage.js', staged, built)
  return staged
}

/** A new user of the registry, in a directory of their own. */
const newcomer = (name) => somebody(path.join(place, name), registry.url)

/** Asserts that a command succeeded and said nothing that a user should not see; returns its stdout. */
function fine({ code, stdout, stderr }) {
  assert.equal(code, 0, stderr || stdout)
  assert.doesNotMatch(stdout + stderr, NOISE)
  return stdout
}

const json = (result) => JSON.parse(fine(result))

before(async () => {
  installDependencies(__dirname, 'the local registry')
  place = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'okstra-proof-')))
  registry = await startRegistry(path.join(place, 'registry'))
  const account = path.join(place, 'publisher.npmrc')
  // npm publishes with a token only; this registry takes any.
  fs.writeFileSync(account, `//${registry.url.split('//')[1]}:_authToken=anybody\n`)
  publisher = { ...process.env, npm_config_registry: registry.url, npm_config_userconfig: account, npm_config_cache: path.join(place, 'publisher-cache') }
})

after(async () => {
  await registry?.stop()
  if (place) fs.rmSync(place, { recursive: true, force: true, maxRetries: 5 })
})

test('the packages are laid out and published: the native parts first, and each only once', () => {
  const staged = stage(root, VERSION)
  const manifest = JSON.parse(fs.readFileSync(path.join(staged, 'okstra', 'package.json'), 'utf8'))
  assert.deepEqual(manifest.optionalDependencies, Object.fromEntries(PLATFORMS.map(({ packageName }) => [packageName, VERSION])))
  assert.deepEqual([manifest.dependencies, manifest.devDependencies, manifest.scripts], [undefined, undefined, undefined])
  const names = [...PLATFORMS.map(({ packageName }) => packageName).sort(), 'okstra']
  const lines = (what) => names.map((name) => `${name}@${VERSION}: ${what}\n`).join('')
  assert.equal(script(root, 'publish.js', staged, '--dry-run'), lines('would be published'))
  assert.equal(script(root, 'publish.js', staged), lines('published'))
  assert.equal(script(root, 'publish.js', staged), lines('published already'))
})

test('npx, from nothing: install, paths, a repository, a task', () => {
  const user = newcomer('npx')
  assert.notEqual(user.sh('command -v okstra').code, 0, 'no okstra of this machine is found')
  const installed = user.run('npx', ['-y', 'okstra@latest', 'install'])
  fine(installed)
  const npx = path.join(user.home, '.npm', '_npx')
  const modules = path.join(npx, fs.readdirSync(npx)[0], 'node_modules')
  assert.deepEqual(fs.readdirSync(modules).filter((name) => !name.startsWith('.')).sort(), ['okstra', HERE.packageName])
  works(user, 'npx -y okstra@latest')
})

test('installed globally, in a prefix of their own: the same', () => {
  const user = newcomer('global')
  installGlobally(user)
  assert.equal(fine(user.sh('command -v okstra')), `${path.join(user.env.npm_config_prefix, 'bin', 'okstra')}\n`)
  fine(user.sh('okstra install'))
  works(user, 'okstra')
  fromPython(user)
  const uninstalled = user.sh('okstra uninstall')
  fine(uninstalled)
  assert.deepEqual(skillsOf(user), [])
  assert.equal(json(user.sh('okstra list --json')).tasks.length, 3, 'the tasks stay')
})

test('the next version: tasks and changed skill files stay', () => {
  const user = newcomer('upgrade')
  installGlobally(user)
  fine(user.sh('okstra install'))
  const repository = user.repository('shop')
  fine(user.sh('okstra setup', { cwd: repository }))
  fine(user.sh('okstra provision checkout/fix-1 --phase implementation --category bug', { cwd: repository }))
  const tasks = json(user.sh('okstra list --json'))
  const skill = path.join(user.home, '.claude', 'skills', 'okstra-history', 'SKILL.md')
  fs.appendFileSync(skill, 'My own line.\n')
  const changed = fs.readFileSync(skill, 'utf8')

  const sources = path.join(place, 'next')
  nextVersion(sources)
  script(sources, 'publish.js', stage(sources, NEXT))
  installGlobally(user)
  assert.equal(fine(user.sh('okstra --version')), `okstra ${NEXT}\n`)
  const upgraded = user.sh('okstra install')
  fine(upgraded)
  assert.match(fs.readFileSync(path.join(user.home, '.claude', 'skills', 'okstra-setup', 'SKILL.md'), 'utf8'), /New in the next version/)
  const kept = fs.readdirSync(path.dirname(skill)).map((name) => path.join(path.dirname(skill), name)).filter((file) => fs.readFileSync(file, 'utf8') === changed)
  assert.equal(kept.length, 1, 'the changed file is kept')
  assert.ok((upgraded.stdout + upgraded.stderr).includes(kept[0]), 'and named')
  assert.deepEqual(user.sh('okstra ensure-installed'), { code: 0, stdout: '', stderr: '' })
  assert.deepEqual(json(user.sh('okstra list --json')), tasks)
  const again = user.sh('okstra provision checkout/fix-1 --phase verification', { cwd: repository })
  fine(again)
  assert.match(again.stderr, /reused/)
})

test('npx runs the newest version, also where the older one is in its cache', () => {
  const user = somebody(path.join(place, 'npx'), registry.url)
  assert.equal(fine(user.sh('npx -y okstra@latest --version')), `okstra ${NEXT}\n`)
})

test('a program that requires or imports the package, with types', () => {
  const user = newcomer('consumer')
  const project = user.dir
  fs.writeFileSync(path.join(project, 'package.json'), '{ "name": "consumer", "private": true }\n')
  fine(user.run('npm', ['install', '--no-audit', '--no-fund', 'okstra']))
  const lock = JSON.parse(fs.readFileSync(path.join(project, 'package-lock.json'), 'utf8'))
  assert.equal(Object.keys(lock.packages).length, 2 + PLATFORMS.length, 'the lock file is for every platform')
  fine(user.run('npm', ['ci', '--no-audit', '--no-fund']))
  for (const name of ['@types/node', 'undici-types']) {
    fs.mkdirSync(path.dirname(path.join(project, 'node_modules', name)), { recursive: true })
    fs.symlinkSync(path.join(root, 'node_modules', name), path.join(project, 'node_modules', name))
  }
  fs.cpSync(path.join(root, '__test__', 'types'), project, { recursive: true })
  fine(user.run(process.execPath, [tool('typescript', 'tsc'), '--project', project]))
  for (const name of ['commonjs.cjs', 'module.mjs']) fine(user.run(process.execPath, [path.join('out', name)]))
  const repository = user.repository('shop')
  const call = (statement) => `${statement}
    provisionTaskWorktree({ taskType: 'p', projectRoot: ${JSON.stringify(repository)}, projectId: 'shop', taskGroupSegment: 'g',
      taskIdSegment: 't', workCategory: 'bug' }).then(({ status }) => console.log(status))`
  assert.equal(fine(user.run(process.execPath, ['-e', call("const { provisionTaskWorktree } = require('okstra')")])), 'created\n')
  assert.equal(fine(user.run(process.execPath, ['--input-type=module', '-e', call("import { provisionTaskWorktree } from 'okstra'")])), 'reused\n')
})

test('without its native part it says what is wrong', () => {
  const user = newcomer('omitted')
  fs.writeFileSync(path.join(user.dir, 'package.json'), '{ "private": true }\n')
  fine(user.run('npm', ['install', '--no-audit', '--no-fund', '--omit=optional', 'okstra']))
  const { code, stdout, stderr } = user.sh('npx okstra list')
  assert.deepEqual([code, stdout], [1, ''])
  assert.match(stderr, new RegExp(`^okstra: .*package ${HERE.packageName} is not installed\n {2}npm installs it .*--omit=optional.*\n$`))
})

function installGlobally(user) {
  user.env.npm_config_prefix = path.join(user.home, 'prefix')
  const bin = path.join(user.env.npm_config_prefix, 'bin')
  if (!user.env.PATH.startsWith(bin)) user.env.PATH = `${bin}:${user.env.PATH}`
  fine(user.run('npm', ['install', '-g', 'okstra@latest']))
}

function skillsOf(user) {
  const directory = path.join(user.home, '.claude', 'skills')
  return fs.existsSync(directory) ? fs.readdirSync(directory).filter((name) => name.startsWith('okstra-')).sort() : []
}

/** What a user does with an installed okstra, called as `okstra`. */
function works(user, okstra) {
  assert.deepEqual(skillsOf(user), ['okstra-history', 'okstra-report-writer', 'okstra-setup'])
  assert.deepEqual(user.sh(`${okstra} ensure-installed`), { code: 0, stdout: '', stderr: '' })
  const repository = user.repository('shop')
  fine(user.sh(`${okstra} setup`, { cwd: repository }))
  const places = json(user.sh(`${okstra} paths --json`))
  for (const shell of SHELLS) {
    const evaluated = user.sh(`eval "$(${okstra} paths --shell)"; printf '%s\\n' "$OKSTRA_HOME" "$OKSTRA_TEMPLATES" "$OKSTRA_PYTHONPATH" "$OKSTRA_VERSION"`, { shell })
    assert.equal(fine(evaluated), `${[places.home, places.templates, places.pythonPath, VERSION].join('\n')}\n`, shell)
    opens(user, repository, shell)
  }
  for (const task of ['fix-1', 'fix-2']) {
    const made = user.sh(`${okstra} provision checkout/${task} --phase implementation --category bug`, { cwd: repository })
    const worktree = fine(made).trimEnd()
    assert.equal(worktree, path.join(user.home, '.okstra', 'worktrees', 'shop', 'checkout', task))
    assert.match(made.stderr, /created on branch fix-/)
    assert.equal(fine(user.sh('git branch --show-current && git status --porcelain', { cwd: worktree })), `fix-${task}\n`)
  }
}

/** Runs the opening step as the installed skill has it. */
function opens(user, repository, shell) {
  const skill = fs.readFileSync(path.join(user.home, '.claude', 'skills', 'okstra-history', 'SKILL.md'), 'utf8')
  const [, step] = /^```sh\n(okstra_cli\(\) \{\n.*?)^```$/ms.exec(skill)
  const { projectId } = json(user.sh(step, { cwd: repository, shell }))
  assert.equal(projectId, 'shop')
}

function fromPython(user) {
  const program = `import okstra_ctl.worktree as w
print(w.provision_task_worktree(task_type='p', project_root='${path.join(user.dir, '..', 'shop')}', project_id='shop',
  task_group_segment='checkout', task_id_segment='fix-3', work_category='bug', base_ref=None).status)`
  const script_ = 'eval "$(okstra paths --shell)" && PYTHONPATH=$OKSTRA_PYTHONPATH python3 -B -c "$PROGRAM"'
  user.env.PROGRAM = program
  assert.equal(fine(user.sh(script_)), 'created\n')
}
