'use strict'

const assert = require('node:assert')
const path = require('node:path')
const { test } = require('node:test')
const { apiSandbox, okstra, thrownBy } = require('./helpers/api.js')
const manifest = require('../package.json')

test('safeSegment makes one path component of any text, and is idempotent', () => {
  const expected = { 'Fix Login!': 'fix-login', ' --A__b-- ': 'a-b', '': '_', '***': '_', ABC: 'abc' }
  for (const [value, segment] of Object.entries(expected)) {
    assert.strictEqual(okstra.safeSegment(value), segment)
    assert.strictEqual(okstra.safeSegment(segment), segment)
  }
  const [one, other] = [okstra.safeSegment('로그인'), okstra.safeSegment('결제')]
  assert.match(one, /^[0-9a-f]{8}$/)
  assert.notStrictEqual(one, other)
  assert.strictEqual(okstra.safeSegment('é'.normalize('NFD')), okstra.safeSegment('é'.normalize('NFC')))
  assert.ok(okstra.safeSegment('x'.repeat(500)).length <= 80)
})

test('computeBranchName knows the categories and never gives a slash', () => {
  const name = (workCategory, taskIdSegment) => okstra.computeBranchName({ workCategory, taskIdSegment })
  assert.strictEqual(name(' BugFix ', '42'), 'fix-42')
  assert.strictEqual(name('feature', 'A/B'), 'feat-a-b')
  assert.strictEqual(name('', 'x'), 'task-x')
  assert.strictEqual(name('hotfix', 'x'), 'hotfix-x')
})

test('computeWorktreePath follows OKSTRA_HOME as it is at the moment of the call', (t) => {
  const { dir, okstraHome } = apiSandbox(t)
  const parts = { projectId: 'Shop', taskGroupSegment: 'Check Out', taskIdSegment: '42' }
  assert.strictEqual(okstra.computeWorktreePath(parts), path.join(okstraHome, 'worktrees', 'shop', 'check-out', '42'))
  process.env.OKSTRA_HOME = `  ${path.join(dir, 'elsewhere')}  `
  assert.strictEqual(
    okstra.computeWorktreePath(parts),
    path.join(dir, 'elsewhere', 'worktrees', 'shop', 'check-out', '42'),
  )
})

test('the version is that of the package', () => {
  assert.strictEqual(okstra.version(), manifest.version)
})

test('a wrong argument is named', () => {
  const cases = {
    value: () => okstra.safeSegment(7),
    workCategory: () => okstra.computeBranchName({ taskIdSegment: 'x' }),
    taskIdSegment: () => okstra.computeBranchName({ workCategory: 'fix', taskIdSegment: null }),
    options: () => okstra.computeWorktreePath(),
    projectId: () => okstra.computeWorktreePath({ projectId: Symbol('x') }),
  }
  for (const [field, call] of Object.entries(cases)) {
    const error = thrownBy(call)
    assert.ok(error instanceof Error)
    assert.strictEqual(error.code, 'OKSTRA_INVALID_ARGUMENT')
    assert.ok(error.message.startsWith(`${field} `), error.message)
  }
  assert.strictEqual(thrownBy(() => okstra.safeSegment('\ud800')).code, 'OKSTRA_INVALID_ARGUMENT')
})
