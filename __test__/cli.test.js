'use strict'
// Every command: what stdout and stderr hold, as text and as JSON, and the exit code.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { sandbox } = require('./helpers/repository.js')

const COMMIT = /^[0-9a-f]{40}$/

function json(result, code = 0) {
  assert.equal(result.code, code, result.stdout + result.stderr)
  assert.match(result.stdout, /^[^\n]*\n$/, 'exactly one line')
  const object = JSON.parse(result.stdout)
  assert.equal(object.schema, 1)
  assert.equal(object.ok, code === 0)
  return object
}

function shop(t) {
  const box = sandbox(t)
  const root = box.repository('shop')
  fs.mkdirSync(path.join(root, '.scratch'))
  const place = path.join(box.okstraHome, 'worktrees', 'shop', 'checkout', 'fix-42')
  const okstra = (...args) => box.okstra(args, { cwd: root })
  const provision = (...more) => okstra('provision', 'checkout/fix-42', '--phase', 'one', '--category', 'bug', ...more)
  return { ...box, root, place, okstra, provision }
}

test('provision prints the path alone, and tells the rest on stderr', async (t) => {
  const { provision, place, git, root } = shop(t)
  const first = await provision()
  assert.deepEqual([first.code, first.stdout], [0, `${place}\n`], first.stderr)
  assert.match(first.stderr, /shop\/checkout\/fix-42: created on branch fix-fix-42, based on [0-9a-f]{12}\n/)
  assert.match(first.stderr, /linked:? \.scratch/)
  assert.equal(git(['branch', '--show-current'], { cwd: place }), 'fix-fix-42')
  assert.equal(fs.realpathSync(path.join(place, '.scratch')), path.join(root, '.scratch'))
  const second = await provision()
  assert.deepEqual([second.code, second.stdout], [0, `${place}\n`])
  assert.match(second.stderr, /: reused on branch fix-fix-42/)
})

test('provision --json gives every field and nothing on stderr', async (t) => {
  const { provision, place, git, root } = shop(t)
  const result = await provision('--json')
  const { schema, ok, status, path: where, branch, baseRef, note, taskKey, linked } = json(result)
  assert.deepEqual(
    { schema, ok, status, where, branch, baseRef, taskKey, linked },
    {
      schema: 1,
      ok: true,
      status: 'created',
      where: place,
      branch: 'fix-fix-42',
      baseRef: git(['rev-parse', 'HEAD'], { cwd: root }),
      taskKey: 'shop/checkout/fix-42',
      linked: ['.scratch'],
    },
  )
  assert.equal(typeof note, 'string')
  assert.equal(result.stderr, '')
})

test('provision takes root, base and project from options', async (t) => {
  const { okstra, git, dir, root, provision } = shop(t)
  const base = git(['rev-parse', 'HEAD'], { cwd: root })
  git(['tag', 'v1'], { cwd: root })
  git(['commit', '-q', '--allow-empty', '-m', 'second'], { cwd: root })
  fs.mkdirSync(path.join(dir, 'elsewhere'))
  const args = ['provision', 'g/t', '--phase', 'p', '--root', root, '--base', 'v1', '--project', 'My Shop', '--json']
  const made = json(await okstra(...args, '--lock-timeout', '5000'))
  assert.deepEqual([made.taskKey, made.baseRef], ['my-shop/g/t', base])
  const relative = json(await okstra('provision', 'g/u', '--phase', 'p', '--root', '../shop', '--json'))
  assert.equal(relative.taskKey, 'shop/g/u')
  const { error } = json(await provision('--base', 'no-such-branch', '--json'), 3)
  assert.equal(error.code, 'OKSTRA_BASE_NOT_FOUND')
})

test('the project is what the project file says, else the name of the main worktree, also from inside a task', async (t) => {
  const { start, repository, provision, root, place, okstra } = shop(t)
  const run = (args, options) => start(args, options).done
  await provision()
  const inTask = await run(['path', 'checkout/fix-42'], { cwd: place })
  assert.equal(inTask.stdout, `${place}\n`, inTask.stderr)
  const deep = path.join(root, 'a', 'b')
  fs.mkdirSync(deep, { recursive: true })
  assert.equal((await run(['path', 'checkout/fix-42'], { cwd: deep })).stdout, `${place}\n`)

  const named = repository('directory name', { files: { '.project-docs/okstra/project.json': '{"projectId": "real-name"}' } })
  const made = json(await run(['provision', 'g/t', '--phase', 'p', '--json'], { cwd: named }))
  assert.equal(made.taskKey, 'real-name/g/t')
  assert.equal((await run(['path', 'g/t'], { cwd: made.path })).code, 0)
  fs.writeFileSync(path.join(named, '.project-docs/okstra/project.json'), '{')
  const broken = await run(['path', 'g/t'], { cwd: named })
  assert.equal(broken.code, 2)
  assert.match(broken.stderr, /project\.json/)
  assert.equal((await okstra('path', 'real-name/g/t')).code, 0)
})

test('outside a repository provision answers with the directory itself', async (t) => {
  const { okstra, dir } = sandbox(t)
  const plain = path.join(dir, 'plain')
  fs.mkdirSync(plain)
  const result = json(await okstra(['provision', 'g/t', '--phase', 'p', '--json'], { cwd: plain }))
  assert.deepEqual([result.status, result.path, result.taskKey], ['skipped-not-git', plain, 'plain/g/t'])
  const unknown = await okstra(['path', 'g/t'], { cwd: plain })
  assert.equal(unknown.code, 2, 'no repository, so no project')
  const missing = json(await okstra(['provision', 'p/g/t', '--phase', 'p', '--root', 'nowhere', '--json']), 3)
  assert.deepEqual([missing.error.code, missing.error.path], ['OKSTRA_ROOT_NOT_FOUND', path.join(dir, 'nowhere')])
})

test('inside a task worktree provision answers with the directory itself', async (t) => {
  const { start, provision, place } = shop(t)
  await provision()
  const result = json(await start(['provision', 'checkout/fix-42', '--phase', 'p', '--json'], { cwd: place }).done)
  assert.deepEqual([result.status, result.path], ['skipped-in-worktree', place])
})

test('what lies at the place of the worktree is left alone, and the error names it', async (t) => {
  const { provision, place } = shop(t)
  fs.mkdirSync(place, { recursive: true })
  fs.writeFileSync(path.join(place, 'mine.txt'), 'work')
  const { error } = json(await provision('--json'), 1)
  assert.equal(error.code, 'OKSTRA_PATH_EXISTS')
  assert.deepEqual([error.path, error.taskKey], [place, 'shop/checkout/fix-42'])
  assert.ok(error.hint)
  const text = await provision()
  assert.deepEqual([text.code, text.stdout], [1, ''])
  assert.match(text.stderr, /^okstra: .+\n {2}.+\n$/)
  assert.equal(fs.readFileSync(path.join(place, 'mine.txt'), 'utf8'), 'work')
})

test('path prints the directory alone, and ends with 3 for an unknown task', async (t) => {
  const { okstra, provision, place } = shop(t)
  await provision()
  for (const task of ['checkout/fix-42', 'shop/checkout/fix-42', 'Checkout/FIX 42']) {
    const found = await okstra('path', task)
    assert.deepEqual([found.code, found.stdout, found.stderr], [0, `${place}\n`, ''], task)
  }
  assert.equal(json(await okstra('path', 'checkout/fix-42', '--json')).path, place)
  const unknown = await okstra('path', 'checkout/other')
  assert.deepEqual([unknown.code, unknown.stdout], [3, ''])
  const { error } = json(await okstra('path', 'checkout/other', '--json'), 3)
  assert.deepEqual([error.code, error.taskKey], ['OKSTRA_NOT_FOUND', 'shop/checkout/other'])
  fs.rmSync(place, { recursive: true })
  const gone = await okstra('path', 'checkout/fix-42')
  assert.deepEqual([gone.code, gone.stdout], [0, `${place}\n`])
  assert.match(gone.stderr, /gone/)
})

test('show tells everything about one task', async (t) => {
  const { okstra, provision, place } = shop(t)
  await provision()
  const text = await okstra('show', 'checkout/fix-42')
  assert.equal(text.code, 0)
  for (const part of ['shop/checkout/fix-42', 'active', place, 'fix-fix-42', 'one', 'created']) {
    assert.ok(text.stdout.includes(part), part)
  }
  const { task, events } = json(await okstra('show', 'checkout/fix-42', '--json'))
  assert.deepEqual(
    [task.taskKey, task.projectId, task.taskGroup, task.taskId, task.worktreePath, task.branch, task.lastPhase, task.state],
    ['shop/checkout/fix-42', 'shop', 'checkout', 'fix-42', place, 'fix-fix-42', 'one', 'active'],
  )
  assert.match(task.baseRef, COMMIT)
  assert.deepEqual(events.map(({ event }) => event), ['created'])
  assert.equal((await okstra('show', 'checkout/other')).code, 3)
})

test('list shows all tasks with their state, and filters', async (t) => {
  const { okstra, provision } = shop(t)
  const none = await okstra('list')
  assert.deepEqual([none.code, none.stdout], [0, ''])
  assert.deepEqual(json(await okstra('list', '--json')).tasks, [])
  await provision()
  await okstra('provision', 'other/g/gone', '--phase', 'two')
  const { path: gone } = json(await okstra('path', 'other/g/gone', '--json'))
  fs.rmSync(gone, { recursive: true })
  await okstra('provision', 'other/g/done', '--phase', 'two')
  await okstra('release', 'other/g/done')

  const text = await okstra('list')
  const [header, ...rows] = text.stdout.trimEnd().split('\n')
  assert.match(header, /^TASK +STATE +AGE +BRANCH +PHASE +WORK /)
  assert.equal(rows.length, 3)
  assert.match(text.stdout, /^shop\/checkout\/fix-42 +active +\d+[smhd] +fix-fix-42 +one +clean /m)
  const keys = async (...args) => json(await okstra('list', '--json', ...args)).tasks.map(({ taskKey }) => taskKey).sort()
  assert.deepEqual(await keys('--project', 'Other'), ['other/g/done', 'other/g/gone'])
  assert.deepEqual(await keys('--status', 'released'), ['other/g/done'])
  assert.deepEqual(await keys('--status', 'missing'), ['other/g/gone'])
  assert.deepEqual(await keys('--status=active'), ['shop/checkout/fix-42'])
})

test('release keeps the directory and answers with the entry as it was', async (t) => {
  const { okstra, provision, place } = shop(t)
  await provision()
  const { task } = json(await okstra('release', 'checkout/fix-42', '--json'))
  assert.deepEqual([task.taskKey, task.status], ['shop/checkout/fix-42', 'active'])
  assert.ok(fs.existsSync(place))
  const again = await okstra('release', 'checkout/fix-42')
  assert.deepEqual([again.code, again.stdout], [0, 'shop/checkout/fix-42 was released before\n'])
  const { error } = json(await okstra('release', 'checkout/other', '--json'), 3)
  assert.equal(error.code, 'OKSTRA_NOT_FOUND')
  const back = json(await okstra('provision', 'checkout/fix-42', '--phase', 'p', '--json'))
  assert.deepEqual([back.status, back.path], ['restored', place])
  assert.equal((await okstra('release', 'checkout/fix-42')).stdout, 'released shop/checkout/fix-42\n')
})

test('spaces, line breaks and other scripts in the path of the root', { skip: process.platform === 'win32' }, async (t) => {
  const { repository, start, okstraHome } = sandbox(t)
  for (const name of ['two  words', 'line\nbreak', '결제 서비스', '-dash', "quo'te\"s"]) {
    const root = repository(name)
    const made = await start(['provision', 'g/t', '--phase', 'p', '--root', root, '--json']).done
    const { status, path: place } = json(made)
    assert.equal(status, 'created', name)
    assert.ok(place.startsWith(path.join(okstraHome, 'worktrees')) && !place.includes('\n'), place)
    assert.ok(fs.existsSync(path.join(place, 'README.md')), name)
    assert.equal((await start(['path', 'g/t'], { cwd: root }).done).stdout, `${place}\n`, name)
    const list = await start(['show', 'g/t'], { cwd: root }).done
    assert.equal(list.code, 0, list.stderr)
  }
})

test('what was recorded cannot forge lines or move the cursor', async (t) => {
  const { okstra } = shop(t)
  const made = await okstra('provision', 'g/t', '--phase', 'x\u001b[31mred\u0007')
  if (made.code === 0) {
    for (const command of [['list'], ['show', 'g/t'], ['history']]) {
      const { stdout } = await okstra(...command)
      assert.doesNotMatch(stdout, /(?!\n)\p{Cc}/u, command[0])
    }
  } else {
    assert.equal(made.code, 2, made.stderr)
    assert.doesNotMatch(made.stderr, /(?!\n)\p{Cc}/u)
  }
})
