'use strict'
// The history of a project, of a task, of the machine.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { apiSandbox, okstra: api } = require('./helpers/api.js')

/** Two projects with two tasks each, in three phases; the second task of the first project is released at the end. */
async function worked(t) {
  const box = apiSandbox(t)
  const roots = { shop: box.repository('shop'), blog: box.repository('blog') }
  const okstra = async (cwd, ...args) => {
    const result = await box.okstra(args, { cwd })
    assert.equal(result.code, 0, result.stdout + result.stderr)
    return result
  }
  const json = async (cwd, ...args) => JSON.parse((await okstra(cwd, ...args, '--json')).stdout)
  for (const [projectId, root] of Object.entries(roots)) {
    for (const taskType of ['discovery', 'planning', 'planning', 'implementation']) {
      for (const taskIdSegment of ['one', 'two']) {
        api.provisionTaskWorktreeSync({ taskType, projectRoot: root, projectId, taskGroupSegment: 'g', taskIdSegment, workCategory: '' })
      }
    }
  }
  api.registry.release('shop', 'g', 'two')
  return { ...box, roots, run: okstra, json }
}

const brief = ({ taskKey, phase, event, state }) => [taskKey, phase, event, state]

test('the runs of the project one is in, newest first, with the state of each task now', async (t) => {
  const { roots, json, run, dir } = await worked(t)
  const { project, runs, events, tasks } = await json(roots.shop, 'history')
  assert.equal(project, 'shop')
  const expected = ['implementation', 'planning', 'discovery'].flatMap((phase) =>
    [['two', 'released'], ['one', 'active']].map(([task, state]) => [`shop/g/${task}`, phase, phase === 'discovery' ? 'created' : 'reused', state]),
  )
  assert.deepEqual(runs.map(brief), expected, 'a phase that asks twice in a row is one run')
  assert.ok(runs.every(({ at }, i) => i === 0 || at <= runs[i - 1].at))
  assert.deepEqual([events.length, events[0].event], [7, 'released'])
  assert.deepEqual(
    tasks.map(({ taskKey, state, branch, runs: count, phases }) => [taskKey, state, branch, count, phases]),
    [
      ['shop/g/two', 'released', 'task-two', 3, ['discovery', 'planning', 'implementation']],
      ['shop/g/one', 'active', 'task-one', 3, ['discovery', 'planning', 'implementation']],
    ],
  )
  assert.deepEqual([tasks[0].first, tasks[0].last], [runs[4].at, runs[0].at])

  const { stdout, stderr } = await run(roots.shop, 'history')
  const [header, ...rows] = stdout.trimEnd().split('\n')
  assert.match(header, /^TIME +TASK +PHASE +EVENT +BRANCH +STATE NOW$/)
  assert.match(rows[0], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +shop\/g\/two +implementation +reused +task-two +released$/)
  assert.deepEqual([rows.length, stderr], [6, ''])
  const { path: task } = await json(roots.shop, 'path', 'g/one')
  assert.equal((await json(task, 'history')).project, 'shop', 'also from inside a task')
  assert.equal((await json(dir, 'history', '--project', 'Blog')).runs.length, 6)
  assert.deepEqual((await json(roots.shop, 'history', '--all')).runs.length, 12)
  const outside = await json(dir, 'history')
  assert.deepEqual([outside.project, outside.runs.length], [null, 12])
})

test('one line for each task', async (t) => {
  const { roots, run } = await worked(t)
  const { stdout } = await run(roots.shop, 'history', '--by-task')
  const [header, ...rows] = stdout.trimEnd().split('\n')
  assert.match(header, /^TASK +STATE NOW +RUNS +LAST +PHASES$/)
  assert.match(rows[0], /^shop\/g\/two +released +3 +\S+Z +discovery, planning, implementation$/)
  assert.equal(rows.length, 2)
})

test('narrowed by phase, time and number', async (t) => {
  const { roots, json, run, okstra } = await worked(t)
  const keys = async (...args) => (await json(roots.shop, 'history', ...args)).runs.map(({ taskKey }) => taskKey)
  assert.deepEqual(await keys('--phase', 'planning'), ['shop/g/two', 'shop/g/one'])
  assert.equal((await keys('--since', '1h')).length, 6)
  assert.equal((await keys('--since', '2020-01-01')).length, 6)
  assert.deepEqual(await keys('--since', '2999-01-01T00:00Z'), [])
  const { runs } = await json(roots.shop, 'history')
  assert.equal((await keys('--since', runs[1].at)).length, 2, 'that moment counts')
  const limited = await json(roots.shop, 'history', '--limit', '1')
  assert.deepEqual([limited.runs.length, limited.events.map(({ event }) => event), limited.tasks.length], [1, ['released'], 1])
  const cut = await run(roots.shop, 'history', '--limit', '2')
  assert.deepEqual([cut.stdout.trimEnd().split('\n').length, cut.stderr], [3, 'these are the newest 2; --limit N shows more\n'])
  for (const args of [['--since', 'yesterday'], ['--since', '2026-13-45'], ['--since', '3'], ['--all', '--project', 'x'], ['g/one', '--all']]) {
    assert.equal((await okstra(['history', ...args], { cwd: roots.shop })).code, 2, args.join(' '))
  }
})

test('everything that happened to one task, and to a project with --events', async (t) => {
  const { roots, json, run, okstra } = await worked(t)
  const { stdout } = await run(roots.shop, 'history', 'g/two')
  assert.match(stdout, /^TIME +EVENT +TASK +PHASE +BRANCH +DETAIL\n\S+ +released .*\n\S+ +reused .*\n\S+ +reused .*\n\S+ +created +shop\/g\/two +discovery +task-two\n$/)
  const { events, runs } = await json(roots.shop, 'history', 'g/two')
  assert.deepEqual(events.map(({ event }) => event), ['released', 'reused', 'reused', 'created'])
  assert.equal(runs.length, 3)
  assert.match((await run(roots.shop, 'history', '--events')).stdout, /\S+ +released +shop\/g\/two/)
  assert.equal((await okstra(['history', 'g/three'], { cwd: roots.shop })).code, 3)
  await run(roots.shop, 'provision', 'g/two', '--phase', 'implementation')
  const [back] = (await json(roots.shop, 'history')).runs
  assert.deepEqual(brief(back), ['shop/g/two', 'implementation', 'restored', 'active'])
  fs.rmSync((await json(roots.shop, 'path', 'g/two')).path, { recursive: true })
  assert.equal((await json(roots.shop, 'history')).runs[0].state, 'missing')
})

test('nothing recorded is an answer too', async (t) => {
  const { okstra, repository, dir } = apiSandbox(t)
  const root = repository('shop')
  const here = await okstra(['history'], { cwd: root })
  assert.deepEqual([here.code, here.stdout, here.stderr], [0, '', 'nothing is recorded of shop; `okstra history --all` shows every project\n'])
  const { runs, events, tasks } = JSON.parse((await okstra(['history', '--json'], { cwd: root })).stdout)
  assert.deepEqual([runs, events, tasks], [[], [], []])
  assert.equal((await okstra(['history'], { cwd: dir })).stderr, 'nothing is recorded\n')
  fs.mkdirSync(path.join(root, '.project-docs', 'okstra'), { recursive: true })
  fs.writeFileSync(path.join(root, '.project-docs', 'okstra', 'project.json'), '{')
  assert.equal((await okstra(['history'], { cwd: root })).code, 2)
  assert.equal((await okstra(['history', '--all'], { cwd: root })).code, 0)
})
