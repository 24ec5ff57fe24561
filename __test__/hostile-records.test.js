'use strict'
// Records say what is moved and deleted. One that this home did not write, or would not have written, is not obeyed.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { apiSandbox, okstra, thrownBy } = require('./helpers/api.js')

/** A repository with two tasks, a directory of somebody's, and another repository. */
function stage(t) {
  const box = apiSandbox(t)
  const main = box.repository('shop', { files: { 'a.txt': 'a\n' } })
  const other = box.repository('other', { files: { 'b.txt': 'b\n' } })
  const [one, two] = ['1', '2'].map((id) => okstra.provisionTaskWorktreeSync(box.options(main, id)))
  const victim = path.join(box.dir, 'victim')
  fs.mkdirSync(victim)
  fs.writeFileSync(path.join(victim, 'file'), 'precious')
  const head = box.git(['rev-parse', 'HEAD'], { cwd: main })
  const hash = (text) => crypto.createHash('sha256').update(text).digest('hex').slice(0, 32)
  const intents = path.join(box.okstraHome, 'state', 'intents')
  return { ...box, main, other, one, two, victim, head, intents, file: path.join(intents, `${hash('shop/checkout/1')}.json`) }
}

/** The task, as the functions about removal take it. */
const KEY = { projectId: 'shop', taskGroup: 'checkout', taskId: '1' }

const sound = ({ main, one, head }) => ({
  op: '0123456789abcdef',
  kind: 'create',
  stage: 'rolling-back',
  task_key: 'shop/checkout/1',
  common_dir: path.join(main, '.git'),
  path: one.path,
  branch: one.branch,
  bases: [head],
  commit: head,
  phase: 'x',
  base_ref: head,
  created_at: null,
  since: '2020-01-01T00:00:00.000Z',
  pid: 1,
  boot: 'x',
})

const HOSTILE = {
  'an op that is a path': () => ({ op: '../../x' }),
  'another task': () => ({ task_key: 'shop/checkout/2' }),
  'a directory of nobody': ({ victim }) => ({ path: victim }),
  'the home': ({ okstraHome }) => ({ path: okstraHome }),
  'the directory of all worktrees': ({ okstraHome }) => ({ path: path.join(okstraHome, 'worktrees') }),
  'the root': () => ({ path: '/' }),
  'a path that goes up': ({ one }) => ({ path: `${path.dirname(one.path)}/x/../1` }),
  'the worktree of another task': ({ two }) => ({ path: two.path }),
  'a relative path': () => ({ path: 'victim' }),
  'the branch main': () => ({ branch: 'main' }),
  'the branch of another task': ({ two }) => ({ branch: two.branch }),
  'a branch that is an option': () => ({ branch: '-D' }),
  'a branch that is a ref': () => ({ branch: 'refs/heads/main' }),
  'a repository that is none': ({ victim }) => ({ common_dir: victim }),
  'a commit that is a revision': () => ({ bases: ['HEAD'] }),
  'no base': () => ({ bases: [] }),
  'a name in quarantine that is a path': () => ({ discarded: '../../../victim' }),
  'a stage of another kind': () => ({ stage: 'moving' }),
  'a removal whose entry is a path': () => ({ kind: 'remove', stage: 'moving', entry: '../x' }),
  'a return without an entry': () => ({ kind: 'put-back', stage: 'moving' }),
  'what is no JSON': () => null,
}

test('an intent that okstra would not have written is kept aside and never obeyed', (t) => {
  const box = stage(t)
  const state = () => ({
    branches: box.git(['for-each-ref', '--format=%(refname) %(objectname)'], { cwd: box.main }),
    files: [box.one.path, box.two.path, box.victim].map((place) => fs.readdirSync(place)),
    status: box.git(['status', '--porcelain'], { cwd: box.one.path }),
  })
  const before = state()
  for (const [name, change] of Object.entries(HOSTILE)) {
    const changed = change(box)
    const text = changed ? JSON.stringify({ ...sound(box), ...changed }) : '{'
    fs.writeFileSync(box.file, text)
    okstra.pruneSync({ apply: true, olderThanDays: 0 })
    const answer = okstra.provisionTaskWorktreeSync({ ...box.options(box.main, '1'), taskType: name })
    assert.equal(answer.status, 'reused', name)
    assert.deepEqual(state(), before, name)
    fs.rmSync(box.file, { force: true })
    fs.writeFileSync(box.file, text)
    const codes = okstra.doctorSync({ root: box.main }).findings.map(({ code, outcome }) => `${code}: ${outcome}`)
    assert.ok(codes.includes('intent-damaged: fixable'), `${name}: ${codes}`)
    assert.equal(okstra.doctorSync({ root: box.main, fix: true }).clean, true, name)
    assert.equal(okstra.doctorSync({ root: box.main }).clean, true, name)
    assert.deepEqual(state(), before, name)
    const kept = fs.readdirSync(box.intents).filter((file) => file.includes('.damaged-'))
    assert.ok(kept.some((file) => fs.readFileSync(path.join(box.intents, file), 'utf8') === text), name)
  }
})

/** What a fetch of somebody else's `refs/okstra/trash/*` brings. */
function fetched(box, { place, tree, id, op }) {
  const git = (args, input = '') => execFileSync('git', args, { cwd: box.main, env: box.env, input, encoding: 'utf8' }).trim()
  const blob = git(['hash-object', '-w', '--stdin'], 'evil')
  const target = git(['hash-object', '-w', '--stdin'], box.victim)
  const first = git(['mktree'], `100644 blob ${blob}\tevil\n120000 blob ${target}\tlink\n`)
  const inner = git(['mktree'], `100644 blob ${blob}\tnew\n`)
  const third = git(['mktree'], `040000 tree ${inner}\tlink\n`)
  const index = git(['commit-tree', '-m', 'i', '-p', box.head, `${box.head}^{tree}`])
  const untracked = git(['commit-tree', '-m', 'u', third])
  const common = path.join(box.main, '.git')
  const record = {
    version: 1,
    id,
    op,
    at: '2999-01-01T00:00:00.000Z',
    task_key: 'shop/checkout/1',
    row: { branch: box.one.branch, base_ref: box.head, created_at: '', last_phase: 'x', active: true },
    path: place,
    tree,
    tree_id: [1, 1],
    git: {
      common_dir: common,
      admin: path.join(common, 'worktrees', '1'),
      kept: path.join(common, 'okstra-trash', id),
      branch: box.one.branch,
      head: box.head,
      branch_tip: box.head,
      delete_branch: false,
      snapshot: null,
      left_out: [],
    },
    links: [],
    uncommitted: 1,
    untracked: 1,
  }
  const message = `okstra: x\n\nokstra-record: ${JSON.stringify(record)}\n`
  const commit = git(['commit-tree', '-m', message, '-p', box.head, '-p', index, '-p', untracked, first])
  git(['update-ref', `refs/okstra/trash/${op}`, commit])
  return { record, commit }
}

test('a snapshot that this home did not write decides nothing, and its content is there for whoever wants it', (t) => {
  const box = stage(t)
  fs.writeFileSync(path.join(box.one.path, 'a.txt'), 'mine\n')
  okstra.removeTaskSync({ ...KEY, allow: ['uncommitted'] })
  const op = 'deadbeefdeadbeef'
  const id = `29990101T000000Z-${op}`
  const { commit } = fetched(box, {
    place: path.join(box.victim, 'autostart'),
    tree: path.join(box.victim, '.okstra-trash', id, 'tree'),
    id,
    op,
  })
  const error = thrownBy(() => okstra.restoreTaskSync({ ...KEY, from: op }))
  assert.equal(error.code, 'OKSTRA_NOT_IN_TRASH')
  assert.match(error.message, /git stash apply refs\/okstra\/trash\/deadbeefdeadbeef/)
  assert.equal(okstra.listTrash().length, 1)
  const back = okstra.restoreTaskSync({ ...KEY })
  assert.equal(back.source, 'trash')
  assert.equal(fs.readFileSync(path.join(back.path, 'a.txt'), 'utf8'), 'mine\n')
  assert.deepEqual(fs.readdirSync(box.victim), ['file'])
  assert.equal(box.git(['rev-parse', `refs/okstra/trash/${op}`], { cwd: box.main }), commit, 'what others fetched stays')
})

test('what is made again from a snapshot is never written through a link', (t) => {
  const box = stage(t)
  const gone = okstra.removeTaskSync({ ...KEY, allow: ['uncommitted'] })
  const place = path.join(box.okstraHome, 'worktrees', '.trash', gone.trashId)
  const tree = path.join(place, 'tree')
  const op = gone.trashId.split('-')[1]
  const { commit } = fetched(box, { place: box.one.path, tree, id: gone.trashId, op })
  // Even where the list of this home names that very commit.
  const listed = path.join(box.okstraHome, 'state', 'removed', `${gone.trashId}.json`)
  const record = JSON.parse(fs.readFileSync(listed, 'utf8'))
  record.git.snapshot = commit
  fs.writeFileSync(listed, JSON.stringify(record))
  fs.rmSync(place, { recursive: true })
  const error = thrownBy(() => okstra.restoreTaskSync({ ...KEY }))
  assert.equal(error.code, 'OKSTRA_IO', error.message)
  assert.deepEqual(fs.readdirSync(box.victim), ['file'])
})

test('a trash record that okstra would not have written is no entry', (t) => {
  const box = stage(t)
  const gone = okstra.removeTaskSync({ ...KEY })
  const file = path.join(box.okstraHome, 'worktrees', '.trash', gone.trashId, 'record.json')
  const listed = path.join(box.okstraHome, 'state', 'removed', `${gone.trashId}.json`)
  const text = fs.readFileSync(file, 'utf8')
  const good = JSON.parse(text)
  const git = (change) => ({ git: { ...good.git, ...change } })
  for (const change of [
    { op: '../../x' },
    { path: path.join(box.victim, 'new') },
    { path: box.two.path },
    { path: '/' },
    { tree: box.victim },
    { links: [{ name: '../../x', target: '/y' }] },
    { row: { ...good.row, branch: '-D' } },
    { row: { ...good.row, branch: 'main' }, ...git({ delete_branch: true }) },
    git({ kept: box.victim }),
    git({ admin: box.victim }),
    git({ common_dir: path.join(box.other, '.git') }),
    git({ head: 'main' }),
    git({ branch: '--all' }),
  ]) {
    for (const place of [file, listed]) fs.writeFileSync(place, JSON.stringify({ ...good, ...change }))
    assert.deepEqual(okstra.listTrash(), [], JSON.stringify(change))
    const error = thrownBy(() => okstra.restoreTaskSync({ ...KEY, from: gone.trashId }))
    assert.equal(error.code, 'OKSTRA_NOT_IN_TRASH', JSON.stringify(change))
    okstra.pruneSync({ apply: true, olderThanDays: 0, only: [`expired:${gone.trashId}`] })
    assert.deepEqual(fs.readdirSync(box.victim), ['file'])
    assert.ok(fs.existsSync(path.join(path.dirname(file), 'tree', 'a.txt')))
  }
  // Without the list, as entries of earlier versions have none, it comes back.
  fs.writeFileSync(file, text)
  fs.rmSync(listed)
  assert.equal(okstra.restoreTaskSync({ ...KEY }).source, 'trash')
})

test('a move that was begun before a boot or a mount is finished, whatever numbers its device had', (t) => {
  const box = stage(t)
  for (const begun of ['remove', 'put-back']) {
    const gone = okstra.removeTaskSync({ ...KEY })
    const place = path.join(box.okstraHome, 'worktrees', '.trash', gone.trashId)
    const files = [path.join(place, 'record.json'), path.join(box.okstraHome, 'state', 'removed', `${gone.trashId}.json`)]
    const record = JSON.parse(fs.readFileSync(files[0], 'utf8'))
    record.tree_id = [record.tree_id[0] + 7, record.tree_id[1]]
    for (const file of files) fs.writeFileSync(file, JSON.stringify(record))
    const { common_dir, admin, kept } = record.git
    // Half of it: the tree is at its place; git's half is where the direction had put it by then.
    fs.renameSync(record.tree, record.path)
    const op = begun === 'remove' ? record.op : 'fedcba9876543210'
    const intent = { ...sound(box), op, kind: begun, stage: 'moving', bases: [], commit: '', entry: gone.trashId }
    fs.writeFileSync(box.file, JSON.stringify(intent))
    assert.ok(fs.existsSync(kept) && !fs.existsSync(admin) && common_dir)
    okstra.doctorSync({ root: box.main, fix: true })
    assert.equal(fs.existsSync(box.file), false, begun)
    if (begun === 'remove') {
      assert.ok(fs.existsSync(path.join(record.tree, 'a.txt')) && !fs.existsSync(record.path), begun)
      okstra.restoreTaskSync({ ...KEY })
    }
    assert.equal(box.git(['status', '--porcelain'], { cwd: box.one.path }), '', begun)
    assert.equal(okstra.doctorSync({ root: box.main }).clean, true, begun)
  }
})
