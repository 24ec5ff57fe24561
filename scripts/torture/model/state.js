'use strict'

// What must be true after each step, as plain data (so that a copy is one `structuredClone`), and the rules by which a
// step changes it. Nothing in here looks at the disk or calls okstra.

const PROJECT = 'torture'
const GROUP = 'group'

const ignored = (path) => path.endsWith('.log')
/** Below a directory that carries a `CACHEDIR.TAG`. */
const cached = (path) => path.startsWith('cache/')
const segments = (task) => ({ projectId: PROJECT, taskGroup: GROUP, taskId: task.name })
const keyOf = (task) => `${PROJECT}/${GROUP}/${task.name}`
const directoryOf = (task) => [PROJECT, GROUP, task.place]
const branchOf = (task) => `feat-${task.name}`

/**
 * A model of `count` tasks of one repository, whose first commit is `base` with these files (path -> content).
 *
 * - `place`: the name of its directory. `row`: `null`, `active` or `released`; `tip`: where the branch stands, `null` without one.
 * - `tree`: what lies at the task's path: `files` on disk, the `index`, the commit that is checked out (`head`), whether
 *   on the branch, and every commit that was (`log`).
 * - `entry`: what git keeps of a tree that vanished. `moved`: trees that somebody put elsewhere.
 * - `trash`: the removed trees, oldest first; `whole` is false where only git's part was left to remove.
 * - `kept`: what recovery must have kept reachable.
 */
function createModel(count, base, files) {
  const tasks = Array.from({ length: count }, (_, number) => ({
    name: `task-${number}`,
    place: `task-${number}`,
    row: null,
    tip: null,
    tree: null,
    entry: null,
    moved: [],
    trash: [],
    kept: { contents: [], commits: [] },
  }))
  return { base, commits: new Map([[base, { files, parent: null }]]), tasks }
}

/** A commit and all before it. */
function ancestors(model, commit) {
  const found = []
  for (let at = commit; at; at = model.commits.get(at).parent) found.push(at)
  return found
}

/** Two characters for a path as `git status` has them, or null where there is nothing to say. */
function statusOf(path, tree, head) {
  const [committed, staged, onDisk] = [head.get(path), tree.index.get(path), tree.files.get(path)]
  if (committed === undefined && staged === undefined) {
    return onDisk === undefined || ignored(path) ? null : '?'
  }
  const letter = (before, after) => {
    if (before === after) return '.'
    if (before === undefined) return 'A'
    return after === undefined ? 'D' : 'M'
  }
  const code = letter(committed, staged) + (staged === undefined ? '.' : letter(staged, onDisk))
  return code === '..' ? null : code
}

/** What `git status` must say: path -> code. */
function status(model, tree) {
  const head = model.commits.get(tree.head).files
  const found = new Map()
  for (const path of new Set([...head.keys(), ...tree.index.keys(), ...tree.files.keys()])) {
    const code = statusOf(path, tree, head)
    if (code) found.set(path, code)
  }
  return found
}

/** The kinds of obstacles that a removal must name, sorted. */
function obstacles(model, task, deleteBranch) {
  const { tree } = task
  const kinds = new Set()
  for (const [path, code] of status(model, tree)) {
    if (code !== '?') kinds.add('uncommitted')
    else if (!cached(path)) kinds.add('untracked')
  }
  if ([...tree.files.keys()].some(ignored)) kinds.add('ignored')
  const onBranches = new Set(model.tasks.flatMap((other) => (other.tip ? ancestors(model, other.tip) : [])))
  onBranches.add(model.base)
  if (!tree.onBranch && !onBranches.has(tree.head)) kinds.add('detached')
  if (deleteBranch && task.tip && task.tip !== model.base) kinds.add('unmerged')
  return [...kinds].sort()
}

/** A tree as git checks a commit out. */
function checkedOut(model, commit, onBranch = true) {
  const { files } = model.commits.get(commit)
  return { files: new Map(files), index: new Map(files), head: commit, onBranch, log: new Set([commit]) }
}

/** git's entry of a tree that vanished is taken out of the way: what only it kept must stay reachable. */
function retireEntry(task) {
  if (!task.entry) return
  task.kept.contents.push(...task.entry.index.values())
  task.kept.commits.push(task.entry.head, ...task.entry.log)
  task.entry = null
}

function provision(model, task) {
  if (task.row === 'active' && task.tree) return { status: 'reused' }
  if (task.tree) {
    // git puts a detached worktree back on its branch where that loses nothing: the checks see which.
    task.row = 'active'
    return { status: 'restored', mayReturn: !task.tree.onBranch }
  }
  const known = task.row !== null && task.tip !== null
  // What is made anew lies where a new task lies.
  if (!known) task.place = task.name
  task.tip ??= model.base
  task.row = 'active'
  retireEntry(task)
  task.tree = checkedOut(model, task.tip)
  return { status: known ? 'restored' : 'created' }
}

/** Moves what is there into the trash. */
function bury(task, deleteBranch) {
  if (task.tree) {
    task.trash.push({ ...task.tree, whole: true, tip: task.tip, place: task.place })
    if (deleteBranch) task.tip = null
  } else if (task.entry) {
    task.trash.push({ ...task.entry, files: new Map(), whole: false, tip: task.tip, place: task.place })
    task.entry = null
  }
  task.tree = null
  task.row = 'released'
}

function remove(model, task, { mode, deleteBranch }) {
  if (!task.row) return { code: 'OKSTRA_NOT_FOUND' }
  const inTheWay = task.tree ? obstacles(model, task, deleteBranch) : []
  if (inTheWay.length > 0 && mode === 'plain') return { code: 'OKSTRA_WOULD_LOSE_WORK', obstacles: inTheWay }
  // One too few: the one that is left must refuse it.
  if (inTheWay.length > 0 && mode === 'all-but-one') {
    return { code: 'OKSTRA_WOULD_LOSE_WORK', obstacles: inTheWay.slice(-1), allow: inTheWay.slice(0, -1) }
  }
  bury(task, deleteBranch)
  return { allow: mode === 'allowed' ? inTheWay : [] }
}

function restore(model, task) {
  const entry = task.trash.at(-1)
  if (!entry) {
    if (!task.row) return { code: 'OKSTRA_NOT_FOUND' }
    if (task.tree && task.row === 'active') return { code: 'OKSTRA_KEY_EXISTS' }
    if (!task.tree && !task.tip) return { code: 'OKSTRA_NOT_IN_TRASH' }
    return { ...provision(model, task), status: undefined, source: 'branch' }
  }
  if (task.tree) return { code: task.row === 'active' ? 'OKSTRA_KEY_EXISTS' : 'OKSTRA_PATH_EXISTS' }
  task.trash.pop()
  task.tip ??= entry.tip ?? entry.head
  retireEntry(task)
  const { whole, tip: _, place, ...tree } = entry
  task.place = place
  task.tree = { ...tree, onBranch: entry.onBranch && task.tip === entry.head }
  // Of a tree that had vanished there is what the index has.
  if (!whole) task.tree.files = new Map(tree.index)
  task.row = 'active'
  return { source: whole ? 'trash' : 'snapshot' }
}

function prune(model, { purge }) {
  if (purge) {
    for (const task of model.tasks) {
      task.trash = []
      task.kept = { contents: [], commits: [] }
    }
    return {}
  }
  for (const task of model.tasks) {
    const merged = task.row === 'released' && task.tree && task.tip === model.base
    const gone = task.row === 'active' && !task.tree
    if (gone || (merged && obstacles(model, task, false).length === 0)) bury(task, false)
  }
  return {}
}

function release(task) {
  if (task.row) task.row = 'released'
  return {}
}

/** The caches of all worktrees go, and nothing else. */
function reclaim(model) {
  for (const { tree } of model.tasks.filter((task) => task.tree)) {
    for (const path of [...tree.files.keys()].filter(cached)) tree.files.delete(path)
  }
  return {}
}

/** The rules of the steps that are calls of okstra. */
const RULES = {
  provision: (model, task) => provision(model, task),
  remove: (model, task, step) => remove(model, task, step),
  restore: (model, task) => restore(model, task),
  release: (model, task) => release(task),
  prune: (model, task, step) => prune(model, step),
  reclaim: (model) => reclaim(model),
  doctor: () => ({}),
  warm: () => ({}),
}

/** What a call must answer, and the model after it; the model given stays as it is. */
function predict(model, step) {
  const after = structuredClone(model)
  return { expected: RULES[step.op](after, after.tasks[step.task], step), after }
}

/** Every content and every commit that must be found somewhere. */
function required(model) {
  const contents = new Set()
  const commits = new Set()
  const add = ({ files = new Map(), index = new Map(), head, log = [], tip }) => {
    for (const content of [...files.values(), ...index.values()]) contents.add(content)
    for (const commit of [head, tip, ...log].filter(Boolean)) {
      for (const ancestor of ancestors(model, commit)) commits.add(ancestor)
    }
  }
  for (const task of model.tasks) {
    if (task.tree) add(task.tree)
    if (task.entry) add(task.entry)
    add({ tip: task.tip, log: task.kept.commits })
    for (const content of task.kept.contents) contents.add(content)
    for (const entry of task.trash) add(entry)
    for (const { files } of task.moved) add({ files })
  }
  return { contents, commits }
}

module.exports = { branchOf, cached, createModel, directoryOf, ignored, keyOf, predict, required, segments, status }
