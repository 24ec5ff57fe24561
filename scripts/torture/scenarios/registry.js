'use strict'

const fs = require('node:fs')

const { startWorker } = require('../support/processes')
const { interpreter, startPython } = require('../support/python')
const { Sandbox } = require('../support/sandbox')

/** The lines of one object of the file as they stand there. */
function rawObject(text, name) {
  const lines = text.split('\n')
  const start = lines.findIndex((line) => line.trimStart().startsWith(`${JSON.stringify(name)}: {`))
  if (start < 0) return null
  const indent = lines[start].length - lines[start].trimStart().length
  const end = lines.findIndex((line, i) => i > start && line.startsWith(`${' '.repeat(indent)}}`))
  // A comma after it belongs to the object around it.
  return lines.slice(start, end + 1).join('\n').replace(/,$/, '')
}

/** The file without what only Python's JSON knows, so that Node can parse it. */
const parseLenient = (text) => JSON.parse(text.replace(/: (NaN|-?Infinity)/g, ': null').replace(/^(\s+)(NaN|-?Infinity)(,?)$/gm, '$1null$3'))

function compareRows(data, prefix, rows, fields) {
  const lost = []
  for (const [task, row] of Object.entries(rows)) {
    const key = prefix ? `${prefix}/${task}` : task
    for (const [ours, theirs] of fields) {
      const actual = data.tasks[key]?.[theirs]
      if (actual !== row[ours]) lost.push(`lost: ${key}: ${theirs} is ${JSON.stringify(actual)}, not ${JSON.stringify(row[ours])}`)
    }
    const owner = data.branches[row.branch]
    if (row.status === 'active' && owner !== key) lost.push(`lost: branch ${row.branch} stands for ${owner}, not ${key}`)
    if (row.status === 'released' && owner === key) lost.push(`branch ${row.branch} was not freed`)
  }
  return lost
}

const NODE_FIELDS = [
  ['worktreePath', 'worktree_path'],
  ['branch', 'branch'],
  ['baseRef', 'base_ref'],
  ['lastPhase', 'last_phase'],
  ['status', 'status'],
]
const PYTHON_FIELDS = [
  ['branch', 'branch'],
  ['last_phase', 'last_phase'],
  ['status', 'status'],
]

/** Node and Python change one registry at once while others read it without a lock: nothing is lost, nothing is torn. */
async function registry({ processes, operations, pythons, changes, seed, directory }) {
  const sandbox = new Sandbox('registry', directory)
  const violations = []
  try {
    const { environment, home } = sandbox
    const python = interpreter() !== null
    if (python) await startPython(['seed', home], { env: environment }).finish()
    else fs.mkdirSync(`${home}/worktrees`, { recursive: true, mode: 0o700 })
    fs.writeFileSync(`${home}/counter`, '0')
    const before = python ? fs.readFileSync(sandbox.registryFile, 'utf8') : ''

    const nodes = Array.from({ length: processes }, (_, i) => {
      const args = [home, String(i), String(operations), String(seed + i)]
      return startWorker('registry_operations.js', args, { env: environment })
    })
    const writers = Array.from({ length: python ? pythons : 0 }, (_, i) =>
      startPython(['write', home, String(i), String(changes)], { env: environment }),
    )
    const readers = [startWorker('registry_reader.js', [], { env: environment })]
    if (python) readers.push(startPython(['read', home], { env: environment }))
    const all = [...readers, ...nodes, ...writers]
    await Promise.all(all.map((child) => child.ready))
    const start = Date.now()
    for (const child of all) child.go()
    const ends = await Promise.all([...nodes, ...writers].map((child) => child.finish(600_000)))
    const seconds = (Date.now() - start) / 1000
    for (const reader of readers) reader.process.stdin.end()
    await Promise.all(readers.map((reader) => reader.finish(30_000)))

    ends.forEach(({ code, signal, stderr }, i) => {
      if (code !== 0) violations.push(`process ${i}: exit ${code}, signal ${signal}: ${stderr.trim().slice(-300)}`)
    })
    const text = fs.readFileSync(sandbox.registryFile, 'utf8')
    const data = parseLenient(text)
    let counted = 0
    nodes.forEach((child, i) => {
      const answer = child.answer() ?? { rows: {}, counted: 0, wrong: [`node ${i}: no answer`] }
      violations.push(...answer.wrong, ...compareRows(data, `node/writer-${i}`, answer.rows, NODE_FIELDS))
      counted += answer.counted
    })
    const counter = Number(fs.readFileSync(`${home}/counter`, 'utf8'))
    if (counter !== counted) violations.push(`two owners at once: ${counter} counted, ${counted} owners`)

    let pythonCounted = 0
    writers.forEach((child, i) => {
      const answer = child.answer() ?? { rows: {}, counted: 0, lost: [`python ${i}: no answer`] }
      violations.push(...answer.lost, ...compareRows(data, '', answer.rows, PYTHON_FIELDS))
      pythonCounted += answer.counted
    })
    if (writers.length > 0 && data.x_python_counter !== pythonCounted) {
      violations.push(`lost: x_python_counter is ${data.x_python_counter}, not ${pythonCounted}`)
    }
    for (const name of python ? ['x_future', 'oddities/a/b', 'python/kept/one'] : []) {
      const [was, is] = [rawObject(before, name), rawObject(text, name)]
      if (was === null || was !== is) violations.push(`not kept byte for byte: ${name}: ${was} -> ${is}`)
    }
    let reads = 0
    for (const reader of readers) {
      const answer = reader.answer() ?? { reads: 0, broken: [`a reader ended without an answer: ${reader.stderr}`] }
      reads += answer.reads
      violations.push(...answer.broken.map((broken) => `a reader saw: ${broken}`))
    }
    const total = processes * operations
    return {
      name: 'registry',
      bar: `0 lost of ${total} operations (${processes} Node) beside ${writers.length} x ${changes} Python changes; 0 broken reads`,
      figure: `${violations.length} lost or broken; ${reads} reads without a lock; ${counted} owners of the shared key; ${((total + writers.length * changes) / seconds).toFixed(0)} operations/s`,
      violations: python ? violations : [...violations, 'python3 with fcntl is not on PATH: the scenario is not complete'],
    }
  } finally {
    sandbox.dispose()
  }
}

module.exports = { run: registry }
