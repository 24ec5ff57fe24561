'use strict'
// The Python bridge with real Python, and `okstra call`, which it stands on.

const assert = require('node:assert/strict')
const { execFileSync, spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { sandbox, ended, ROOT, BIN } = require('./helpers/repository.js')
const okstraApi = require('..')

// The oldest Python that is promised is used too, where there is one.
const pythons = ['python3', 'python3.9'].filter((python) => {
  try {
    execFileSync(python, ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})

/** Runs one of the helpers in Python, with a repository of its own. */
async function run(t, python, helper) {
  const box = sandbox(t)
  const repository = box.repository('shop')
  fs.mkdirSync(path.join(repository, '.scratch'))
  const directory = path.join(box.dir, 'files')
  fs.mkdirSync(directory)
  const child = spawn(python, [path.join(__dirname, 'helpers', helper)], {
    cwd: box.dir,
    env: {
      ...box.env,
      OKSTRA_BIN: BIN,
      PYTHONPATH: path.join(ROOT, 'python'),
      PYTHONDONTWRITEBYTECODE: '1',
      TEST_DIRECTORY: directory,
      TEST_NODE: process.execPath,
      TEST_REPOSITORY: repository,
      TEST_SOURCES: path.join(ROOT, 'python'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return ended(child)
}

for (const python of pythons) {
  test(`the bridge under ${python}`, async (t) => {
    const { code, stdout, stderr } = await run(t, python, 'python_bridge_test.py')
    assert.equal(code, 0, stdout + stderr)
    assert.match(stderr, /^Ran \d\d tests/m)
  })

  test(`a program that was written for 0.12.0 under ${python}`, async (t) => {
    const { code, stdout, stderr } = await run(t, python, 'caller_of_0_12_0.py')
    assert.deepEqual([code, stdout], [0, 'as ever\n'], stderr)
  })
}

test('there is a Python to test with', { skip: process.platform === 'win32' }, () => {
  assert.ok(pythons.includes('python3'), 'python3 3.9 or newer is needed')
})

test('call: the result alone, or in the form of every other command', async (t) => {
  const { okstra } = sandbox(t)
  const named = ['call', 'computeBranchName', '{"workCategory": "bug", "taskIdSegment": "42"}']
  assert.deepEqual(await okstra(named), { code: 0, signal: null, stdout: '"fix-42"\n', stderr: '' })
  const json = await okstra([...named, '--json'])
  assert.deepEqual(JSON.parse(json.stdout), { schema: 1, ok: true, result: 'fix-42' })
  const piped = await okstra(['call', 'registry.taskKey', '-', '--json'], { input: '\ufeff["a", "b", "c"]\n' })
  assert.deepEqual(JSON.parse(piped.stdout), { schema: 1, ok: true, result: 'a/b/c' })
  const nothing = await okstra(['call', 'registry.touchPhase', '["a", "b", "c", "d"]', '--json'])
  assert.deepEqual(JSON.parse(nothing.stdout), { schema: 1, ok: true, result: null })
  const error = await okstra(['call', 'registry.taskKey', '["a/b", "c", "d"]', '--json'])
  assert.equal(error.code, 2)
  assert.equal(JSON.parse(error.stdout).error.code, 'OKSTRA_INVALID_ARGUMENT')
})

test('call: what is wrong with it is said', async (t) => {
  const { okstra } = sandbox(t)
  for (const [args, message] of [
    [['registry.lokup', '["a"]'], /no function "registry\.lokup"[^]*registry\.lookup/],
    [['constructor'], /no function "constructor"/],
    [['registry'], /no function "registry"/],
    [['safeSegment', '["a"'], /no JSON/],
    [['safeSegment', '["a", "b"]'], /takes 1 argument/],
    [['version', '"a"'], /takes no argument/],
  ]) {
    const { code, stdout, stderr } = await okstra(['call', ...args])
    assert.deepEqual([code, stdout], [2, ''], args.join(' '))
    assert.match(stderr, message)
  }
})

test('call: every function that its help names is in the Node API', async (t) => {
  const { okstra } = sandbox(t)
  const { stdout } = await okstra(['help', 'call'])
  const names = [...stdout.replace(/\s+/g, ' ').matchAll(/([\w.]+)\([\w, ]*\)/g)].map((match) => match[1])
  assert.ok(names.includes('provisionTaskWorktree') && names.includes('registry.reserve'))
  for (const name of names) {
    assert.equal(typeof name.split('.').reduce((owner, part) => owner[part], okstraApi), 'function', name)
  }
  const exported = [...Object.keys(okstraApi), ...Object.keys(okstraApi.registry).map((name) => `registry.${name}`)]
  const own = [
    '__napiBindingTarget', 'InstallationLock', 'checkIdOfTask', 'checkProjectOfTask', 'defaultProjectId', 'findRepository',
    'locateDirectory', 'lockInstallation', 'registry', 'sharedDirectories', 'tasksText',
  ]
  const others = exported.filter((name) => !names.includes(name) && !name.endsWith('Sync'))
  assert.deepEqual(others.sort(), own.sort(), 'what only the launcher needs')
})
