'use strict'
// An installation whose native part is missing, broken or of another kind: one message with the cause and what to do,
// from the command line and from `require('okstra')`.

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { sandbox, ended, ROOT } = require('./helpers/repository.js')
const { PLATFORMS, currentPlatform } = require('../launcher/platforms.js')

const HERE = currentPlatform()
const { version } = require('../package.json')
const onLinux = { skip: process.platform === 'linux' ? false : 'needs an ELF addon' }

/** Installs the main package without its binary, and the packages given as `{ name: { binary | code, version } }`. */
function installed(t, packages = {}) {
  const box = sandbox(t)
  const modules = path.join(box.dir, 'app', 'node_modules')
  const main = path.join(modules, 'okstra')
  for (const part of ['bin', 'launcher', 'index.js', 'package.json']) {
    fs.cpSync(path.join(ROOT, part), path.join(main, part), { recursive: true })
  }
  for (const [name, { code, binary, manifest }] of Object.entries(packages)) {
    const place = path.join(modules, name)
    fs.mkdirSync(place)
    fs.writeFileSync(path.join(place, 'package.json'), JSON.stringify({ name, version, main: code ? 'x.js' : 'x.node', ...manifest }))
    if (code) fs.writeFileSync(path.join(place, 'x.js'), code)
    if (binary) fs.writeFileSync(path.join(place, 'x.node'), binary)
  }
  const node = (args, env) =>
    ended(spawn(process.execPath, args, { cwd: path.join(box.dir, 'app'), env: { ...box.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }))
  const pretend = (values) => {
    const file = path.join(box.dir, 'pretend.js')
    const lines = Object.entries(values).map(([name, value]) => `Object.defineProperty(process, '${name}', { value: ${JSON.stringify(value)} })`)
    fs.writeFileSync(file, `${lines.join('\n')}\nrequire('node:os').cpus = () => [{ model: 'Apple M2' }]\n`)
    return ['-r', file]
  }
  const okstra = (args, { before = [], env } = {}) => node([...before, path.join(main, 'bin', 'okstra.js'), ...args], env)
  return { ...box, main, node, okstra, pretend }
}

/** Asserts the message of the command line, of its JSON, and of a consumer. */
async function assertProblem({ okstra, node }, cause, hint, options = {}) {
  const text = await okstra(['list'], options)
  assert.deepEqual([text.code, text.stdout], [1, ''])
  assert.match(text.stderr, /^okstra: the native part of okstra cannot be loaded: .+\n {2}.+\n$/)
  assert.match(text.stderr, cause)
  assert.match(text.stderr, hint)
  const { error } = JSON.parse((await okstra(['list', '--json'], options)).stdout)
  assert.equal(error.code, 'OKSTRA_ADDON_MISSING')
  const consumer = `try { require('okstra') } catch ({ code, message, hint }) { console.log(JSON.stringify({ code, message, hint })) }`
  const { stdout, stderr } = await node([...(options.before ?? []), '-e', consumer], options.env)
  assert.equal(stderr, '')
  assert.deepEqual(JSON.parse(stdout), { code: error.code, message: error.message, hint: error.hint })
}

const linkerSays = (message) => ({
  [HERE.packageName]: { code: `throw Object.assign(new Error(${JSON.stringify(message)}), { code: 'ERR_DLOPEN_FAILED' })` },
})

test('the package of this platform was left out', async (t) => {
  await assertProblem(installed(t), new RegExp(`package ${HERE.packageName} is not installed`), /without `--omit=optional`/)
})

test('the package of this platform is there without its binary', async (t) => {
  await assertProblem(installed(t, { [HERE.packageName]: {} }), /is incomplete/, /Install okstra again/)
})

test('node_modules came from another machine', async (t) => {
  const other = PLATFORMS.find(({ os }) => os !== HERE.os)
  const cause = new RegExp(`installed for ${other.suffix}, and this Node runs on ${HERE.suffix}`)
  await assertProblem(installed(t, { [other.packageName]: {} }), cause, /does not move from one system/)
})

test('a platform without a build', async (t) => {
  const box = installed(t)
  const before = box.pretend({ platform: 'freebsd', arch: 'riscv64' })
  await assertProblem(box, /no build for this platform \(freebsd-riscv64\), only for linux-x64-gnu, /, /from its sources/, { before })
})

test('an Intel Node on a Mac with the packages of the other Node', async (t) => {
  const box = installed(t, { 'okstra-darwin-arm64': {} })
  const before = box.pretend({ platform: 'darwin', arch: 'x64' })
  await assertProblem(box, /installed for darwin-arm64, and this Node runs on darwin-x64/, /under Rosetta/, { before })
})

test('the native part has another version than the launcher', async (t) => {
  const code = (answer) => ({ [HERE.packageName]: { code: `module.exports = { ${answer} }` } })
  const again = /npm fetches both in one version/
  await assertProblem(installed(t, code("version: () => '0.1.0'")), new RegExp(`has version 0\\.1\\.0, and okstra itself ${version}`), again)
  await assertProblem(installed(t, code('')), /is of an unknown version/, again)
  const enforced = installed(t, { [HERE.packageName]: { code: 'module.exports = {}', manifest: { version: '0.1.0' } } })
  await assertProblem(enforced, /version mismatch/, /Install okstra again/, { env: { NAPI_RS_ENFORCE_VERSION_CHECK: '1' } })
})

test('a variable that names another addon', async (t) => {
  const env = { NAPI_RS_NATIVE_LIBRARY_PATH: '/nowhere/okstra.node' }
  await assertProblem(installed(t), /NAPI_RS_NATIVE_LIBRARY_PATH names \/nowhere\/okstra\.node/, /Unset that variable/, { env })
})

// What the dynamic linkers of other systems say, word for word.
for (const [system, says, cause, hint] of [
  ['glibc', 'libm.so.6: cannot open shared object file: No such file or directory', /libm\.so\.6: cannot open/, /report it/],
  ['a glibc build on musl', 'Error loading shared library ld-linux-x86-64.so.2: No such file or directory (needed by x.node)', /built for glibc/, /does not move/],
  ['a musl build on glibc', 'libc.musl-x86_64.so.1: cannot open shared object file: No such file or directory', /built for musl/, /does not move/],
  ['macOS', "dlopen(x.node, 0x0001): tried: 'x.node' (mach-o file, but is an incompatible architecture (have 'x86_64', need 'arm64e' or 'arm64'))", /another processor/, /Install okstra again/],
  ['Windows', '\\\\?\\C:\\x.node is not a valid Win32 application.', /another processor/, /Install okstra again/],
]) {
  test(`the dynamic linker refuses: ${system}`, async (t) => {
    await assertProblem(installed(t, linkerSays(`${says}\nmore`)), cause, hint)
  })
}

test('a system whose glibc is too old', onLinux, async (t) => {
  const addon = fs.readFileSync(path.join(ROOT, HERE.binary))
  const needed = addon.toString('latin1').match(/GLIBC_2\.\d\d/)[0]
  const tooNew = needed.replace('2.', '9.')
  const binary = Buffer.from(addon.toString('latin1').replaceAll(needed, tooNew), 'latin1')
  const box = installed(t, { [HERE.packageName]: { binary } })
  await assertProblem(box, new RegExp(`needs glibc ${tooNew.slice(6)} or newer, and this system has 2\\.`), /newer system/)
})

test('a damaged file, and one for another processor', onLinux, async (t) => {
  const addon = fs.readFileSync(path.join(ROOT, HERE.binary))
  const damaged = /its file is damaged/
  await assertProblem(installed(t, { [HERE.packageName]: { binary: addon.subarray(0, 40) } }), damaged, /npm cache verify/)
  await assertProblem(installed(t, { [HERE.packageName]: { binary: Buffer.alloc(5000) } }), damaged, /npm cache verify/)
  const foreign = Buffer.from(addon)
  // The machine field of the ELF header.
  foreign.writeUInt16LE(HERE.cpu === 'x64' ? 0xb7 : 0x3e, 18)
  const box = installed(t, { [HERE.packageName]: { binary: foreign } })
  await assertProblem(box, /built for another processor than this Node/, /does not move/)
})

test('a clone says how to build', async (t) => {
  const box = installed(t)
  fs.writeFileSync(path.join(box.main, 'Cargo.toml'), '')
  await assertProblem(box, /it has not been built/, /npm run build/)
  fs.writeFileSync(path.join(box.main, HERE.binary), 'rubbish')
  await assertProblem(box, /okstra\..*\.node/, /npm run build/)
  fs.writeFileSync(path.join(box.main, 'index.js'), "module.exports = { version: () => '0.1.0' }")
  await assertProblem(box, /has version 0\.1\.0/, /npm run build/)
})

test('the launcher opens the one addon there is without the generated loader, and asks it where there are two', onLinux, async (t) => {
  const binary = fs.readFileSync(path.join(ROOT, HERE.binary))
  const usual = { [HERE.packageName]: { binary, manifest: { main: HERE.binary } } }
  const box = installed(t, usual)
  const place = path.join(box.main, '..', HERE.packageName)
  fs.renameSync(path.join(place, 'x.node'), path.join(place, HERE.binary))
  const rubbish = "throw new Error('the loader was asked')"
  fs.writeFileSync(path.join(box.main, 'index.js'), rubbish)
  assert.equal((await box.okstra(['list'])).code, 0)
  const other = PLATFORMS.find(({ os, cpu, libc }) => os === HERE.os && cpu === HERE.cpu && libc !== HERE.libc)
  fs.mkdirSync(path.join(box.main, '..', other.packageName))
  fs.writeFileSync(path.join(box.main, '..', other.packageName, other.binary), binary)
  assert.match((await box.okstra(['list'])).stderr, /the loader was asked/)
})

test('help and --version need no addon', async (t) => {
  const { okstra } = installed(t)
  for (const args of [['help'], ['--help'], ['help', 'list'], ['--version']]) {
    assert.deepEqual([(await okstra(args)).code, (await okstra(args)).stderr], [0, ''], args.join(' '))
  }
})

test('the packages as installed load, for require and for import', async (t) => {
  const { node, okstra } = installed(t, { [HERE.packageName]: { binary: fs.readFileSync(path.join(ROOT, HERE.binary)) } })
  const listed = await okstra(['list', '--json'])
  assert.deepEqual([listed.code, listed.stderr], [0, ''])
  const source = `import okstra, { provisionTaskWorktree, version } from 'okstra'
    console.log(version(), typeof provisionTaskWorktree, okstra.version === version)`
  const { stdout, stderr } = await node(['--input-type=module', '-e', source])
  assert.deepEqual([stderr, stdout], ['', `${version} function true\n`])
})
