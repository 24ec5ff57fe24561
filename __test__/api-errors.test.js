'use strict'

const assert = require('node:assert')
const fs = require('node:fs')
const path = require('node:path')
const { describe, test } = require('node:test')
const { apiSandbox, okstra, rejectionOf, thrownBy } = require('./helpers/api.js')

const CODES = [
  'OKSTRA_INVALID_ARGUMENT',
  'OKSTRA_ROOT_NOT_FOUND',
  'OKSTRA_NO_REPOSITORY',
  'OKSTRA_NOT_FOUND',
  'OKSTRA_PATH_EXISTS',
  'OKSTRA_BRANCH_EXISTS',
  'OKSTRA_BRANCH_OWNED',
  'OKSTRA_BRANCH_CHECKED_OUT',
  'OKSTRA_KEY_EXISTS',
  'OKSTRA_NO_COMMITS',
  'OKSTRA_HEAD_UNBORN',
  'OKSTRA_HEAD_UNREADABLE',
  'OKSTRA_OBJECTS_MISSING',
  'OKSTRA_BASE_NOT_FOUND',
  'OKSTRA_GIT_FAILED',
  'OKSTRA_GIT_TIMEOUT',
  'OKSTRA_GIT_MISSING',
  'OKSTRA_GIT_TOO_OLD',
  'OKSTRA_DUBIOUS_OWNERSHIP',
  'OKSTRA_REPOSITORY_GONE',
  'OKSTRA_OTHER_ID',
  'OKSTRA_OTHER_PROJECT',
  'OKSTRA_WORKTREE_BROKEN',
  'OKSTRA_WORKTREE_REMOVED',
  'OKSTRA_UNSAFE_HOME',
  'OKSTRA_LOCK_TIMEOUT',
  'OKSTRA_REGISTRY_CORRUPT',
  'OKSTRA_WOULD_LOSE_WORK',
  'OKSTRA_NOT_IN_TRASH',
  'OKSTRA_IO',
  'OKSTRA_ABORTED',
  'OKSTRA_INTERNAL',
]

test('the list of codes is closed, and the types say the same', () => {
  assert.deepStrictEqual(okstra.errorCodes(), CODES)
  const types = fs.readFileSync(path.join(__dirname, '..', 'index.d.ts'), 'utf8')
  assert.deepStrictEqual(Array.from(types.matchAll(/^ {2}\| '(OKSTRA_\w+)'/gm), (match) => match[1]), CODES)
})

/** Calls both twins with the same options; they must fail alike. */
async function failure(options) {
  const error = thrownBy(() => okstra.provisionTaskWorktreeSync(options))
  const rejection = await rejectionOf(okstra.provisionTaskWorktree(options))
  for (const each of [error, rejection]) {
    assert.ok(each instanceof Error)
    assert.ok(typeof each.hint === 'string' && each.hint.length > 0)
    assert.ok(CODES.includes(each.code), each.code)
  }
  assert.deepStrictEqual({ ...rejection }, { ...error })
  assert.strictEqual(rejection.message, error.message)
  return error
}

describe('provisioning fails alike in both forms', () => {
  test('with a wrong option, which is named', async (t) => {
    const { options, dir } = apiSandbox(t)
    const good = options(dir, '42')
    for (const field of Object.keys(good)) {
      for (const value of [undefined, null, 7, {}, ['x'], '\udc00']) {
        const error = await failure({ ...good, [field]: value })
        assert.strictEqual(error.code, 'OKSTRA_INVALID_ARGUMENT')
        assert.ok(error.message.startsWith(`${field} `), error.message)
      }
    }
    for (const value of [-1, 1.5, Number.NaN, Infinity, 2 ** 53, '5', 5n, true]) {
      const error = await failure({ ...good, lockTimeoutMs: value })
      assert.strictEqual(error.code, 'OKSTRA_INVALID_ARGUMENT')
      assert.ok(error.message.startsWith('lockTimeoutMs '), error.message)
    }
    assert.ok((await failure({ ...good, baseRef: 7 })).message.startsWith('baseRef '))
    assert.ok((await failure({ ...good, projectRoot: '' })).message.startsWith('projectRoot '))
    for (const nothing of [undefined, null, 7, 'x']) {
      assert.strictEqual((await failure(nothing)).code, 'OKSTRA_INVALID_ARGUMENT')
    }
    assert.ok(!fs.existsSync(process.env.OKSTRA_HOME), 'nothing was touched')
  })

  test('with a project root that is not there', async (t) => {
    const { options, dir } = apiSandbox(t)
    const error = await failure(options(path.join(dir, 'none'), '42'))
    assert.strictEqual(error.code, 'OKSTRA_ROOT_NOT_FOUND')
    assert.strictEqual(error.path, path.join(dir, 'none'))
  })

  test('without a commit, and without the base', async (t) => {
    const { options, repository } = apiSandbox(t)
    assert.strictEqual((await failure(options(repository('empty', { commit: false }), '1'))).code, 'OKSTRA_NO_COMMITS')
    const root = repository('full')
    assert.strictEqual((await failure(options(root, '1', { baseRef: 'nowhere' }))).code, 'OKSTRA_BASE_NOT_FOUND')
    assert.strictEqual((await failure(options(root, '1', { baseRef: '-D' }))).code, 'OKSTRA_INVALID_ARGUMENT')
  })

  test('with something in the way, which is named', async (t) => {
    const { options, repository, git, okstraHome } = apiSandbox(t)
    const root = repository('project')
    const place = path.join(okstraHome, 'worktrees', 'shop', 'checkout', '1')
    fs.mkdirSync(place, { recursive: true })
    fs.writeFileSync(path.join(place, 'mine.txt'), 'mine')
    const taken = await failure(options(root, '1'))
    assert.deepStrictEqual([taken.code, taken.path, taken.taskKey], ['OKSTRA_PATH_EXISTS', place, 'shop/checkout/1'])
    assert.strictEqual(fs.readFileSync(path.join(place, 'mine.txt'), 'utf8'), 'mine')

    git(['branch', 'fix-2'], { cwd: root })
    const branch = await failure(options(root, '2'))
    assert.deepStrictEqual([branch.code, branch.branch], ['OKSTRA_BRANCH_EXISTS', 'fix-2'])

    okstra.provisionTaskWorktreeSync(options(root, '3'))
    const owned = await failure(options(root, '3', { taskGroupSegment: 'other' }))
    assert.deepStrictEqual([owned.code, owned.branch], ['OKSTRA_BRANCH_OWNED', 'fix-3'])
  })

  test('without git', async (t) => {
    const { options, repository, dir } = apiSandbox(t)
    const root = repository('project')
    process.env.PATH = dir
    assert.strictEqual((await failure(options(root, '1'))).code, 'OKSTRA_GIT_MISSING')
  })
})

test('what an option throws when it is read arrives untouched, thrown or rejected', async () => {
  const mine = new TypeError('mine')
  const options = {
    get taskType() {
      throw mine
    },
  }
  assert.strictEqual(thrownBy(() => okstra.provisionTaskWorktreeSync(options)), mine)
  assert.strictEqual(await rejectionOf(okstra.provisionTaskWorktree(options)), mine)
})

test('a home that JavaScript cannot name is refused before anything is made', { skip: process.platform !== 'linux' }, (t) => {
  const { dir, env } = apiSandbox(t)
  const script = `
    try { require(${JSON.stringify(path.join(__dirname, '..'))}).registry.list() } catch (error) { console.log(error.code) }`
  // Only a shell can put bytes into the environment that are no UTF-8.
  const shell = `OKSTRA_HOME=$(printf '%s/\\377' "$0") exec "$1" -e "$2"`
  const { execFileSync } = require('node:child_process')
  const output = execFileSync('/bin/sh', ['-c', shell, dir, process.execPath, script], { env, encoding: 'utf8' })
  assert.strictEqual(output.trim(), 'OKSTRA_INVALID_ARGUMENT')
})
