'use strict'

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { apiSandbox, okstra } = require('./helpers/api.js')

/** Three tasks with worktrees, and the file that knows them. */
function stage(t) {
  const box = apiSandbox(t)
  const main = box.repository('shop', { files: { 'a.txt': 'a\n' } })
  const tasks = ['1', '2', '3'].map((id) => okstra.provisionTaskWorktreeSync(box.options(main, id)))
  const worktrees = path.join(box.okstraHome, 'worktrees')
  const file = path.join(worktrees, 'registry.json')
  const run = (...args) => box.okstra(args, { cwd: main })
  return { ...box, main, tasks, worktrees, file, run }
}

/** A row of a task that nothing but the file knows, with a byte that is no UTF-8 in its path. */
function addBroken(file) {
  const data = JSON.parse(fs.readFileSync(file, 'utf8'))
  const row = { ...data.tasks['shop/checkout/1'], task_id: 'bad', branch: 'fix-bad', worktree_path: '/tmp/xQQy' }
  data.tasks['shop/checkout/bad'] = row
  const text = Buffer.from(JSON.stringify(data, null, 2))
  const at = text.indexOf('xQQy')
  fs.writeFileSync(file, Buffer.concat([text.subarray(0, at + 1), Buffer.from([0xe6]), text.subarray(at + 3)]))
}

test('a broken row of one task hides no other from any command, and doctor --fix mends it', async (t) => {
  const box = stage(t)
  addBroken(box.file)
  fs.rmSync(path.join(box.worktrees, 'registry.json.bak'))
  const good = ['1', '2', '3'].map((id) => `shop/checkout/${id}`)
  for (const args of [['list', '--fast', '--json'], ['list', '--json']]) {
    const { code, stdout, stderr } = await box.run(...args)
    assert.equal(code, 0, stderr)
    for (const key of good) assert.ok(stdout.includes(key), `${args} ${key}`)
    if (args.length === 3) assert.match(stderr, /shop\/checkout\/bad/)
  }
  assert.deepEqual(okstra.registry.list().map(({ taskKey }) => taskKey), good)
  assert.deepEqual(okstra.listTasks().map(({ taskKey }) => taskKey), good)
  assert.equal(okstra.provisionTaskWorktreeSync(box.options(box.main, '2')).status, 'reused')
  assert.match(fs.readFileSync(box.file, 'latin1'), /\/tmp\/x%E6y/)

  const found = okstra.doctorSync({ root: box.main }).findings.filter(({ code }) => code === 'registry-row')
  assert.deepEqual(found.map(({ outcome }) => outcome), ['fixable'])
  const mended = okstra.doctorSync({ root: box.main, fix: true })
  assert.equal(mended.clean, true, JSON.stringify(mended.findings))
  assert.doesNotMatch(fs.readFileSync(box.file, 'latin1'), /%E6/)
  const kept = fs.readdirSync(box.worktrees).filter((name) => name.startsWith('registry.json.corrupt-'))
  const texts = kept.map((name) => fs.readFileSync(path.join(box.worktrees, name), 'latin1'))
  assert.ok(texts.some((text) => text.includes('/tmp/x\xe6y')), 'byte for byte')
  assert.equal((await box.run('list')).code, 0)
})

test('a broken row of a task that has its worktree comes back from there, readable by 0.12.0', (t) => {
  const box = stage(t)
  const before = okstra.registry.list()
  const text = fs.readFileSync(box.file, 'utf8')
  for (const broken of [
    text.replace('"task_id": "2"', '"task_id"; "2"'),
    text.replace('"shop/checkout/2": {', '"shop/checkout/2": ('),
    text.replace('"tasks"', '"tbsks"'),
    text.replace('"shop/checkout/2": {', '"shop/checkout/1": {'),
    text.replace('"branches"', '"bran\u0000hes"'),
    text.slice(0, text.indexOf('"shop/checkout/3"') + 60),
  ]) {
    fs.rmSync(path.join(box.worktrees, 'registry.json.bak'), { force: true })
    fs.writeFileSync(box.file, broken)
    const sorted = (rows) => rows.map(({ taskKey, branch, worktreePath }) => [taskKey, branch, worktreePath]).sort()
    assert.deepEqual(sorted(okstra.registry.list()), sorted(before))
    const script = 'import json,sys; print(len(json.load(open(sys.argv[1], encoding="utf-8"))["tasks"]))'
    assert.equal(execFileSync('python3', ['-c', script, box.file], { encoding: 'utf8' }), '3\n')
  }
})
