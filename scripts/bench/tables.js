'use strict'

// The tables of the documentation: each stands between two marks, and is made from the rows that the picture is drawn from.

// By which door: okstra as a call in a process that runs already, or as a command with Node's own start.
const CONTENDERS = {
  'git, 2 workers': 'git, 2 workers',
  okstra: 'okstra, a call',
  'okstra, a spare': 'a call, with a spare',
  'okstra, the command': '`okstra provision`',
  'from memory': 'from memory',
}
const IN_SHORT = {
  git: '`git worktree add`',
  'okstra, the command': '`okstra provision`',
  okstra: 'a call of the API',
  'okstra, a spare': 'the same, claiming a spare',
}
const SHORT = ['200 files', '2000 files', '20000 files', '100000 files']

const grouped = (text) => String(text).replace(/\d{4,}/g, (digits) => digits.replace(/\B(?=(\d{3})+$)/g, ','))
const times = (ratio) => `${ratio.toFixed(ratio < 0.1 ? 3 : 2)} x`
const amount = (number, unit = 'ms') => `${grouped(number < 1 ? number.toFixed(3) : number < 10 ? number.toFixed(1) : number.toFixed(0))} ${unit}`
const tableOf = (lines) => lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
const withRule = ([head, ...lines]) => tableOf([head, head.map(() => '---'), ...lines])

/** What was created, with the rows of its contenders by name. */
function creations(rows) {
  const found = new Map()
  for (const row of rows) {
    const [, question, what, contender] = /^(created|and first status), (.*): (.*)$/.exec(row.what) ?? []
    if (what === undefined || row.median === null) continue
    const key = question === 'created' ? what : `${what} and the first \`git status\``
    found.set(key, new Map(found.get(key)).set(contender, row))
  }
  return found
}

/** Those of the contenders that were measured at all, each with its heading. */
const measured = (all, contenders) => Object.entries(contenders).filter(([name]) => [...all.values()].some((by) => by.has(name)))

/** How long each contender takes, in times of git. */
function createTable(rows) {
  const used = (row) => (row?.processor ? grouped(row.processor.user + row.processor.system) : '')
  const all = creations(rows)
  const columns = measured(all, CONTENDERS)
  const lines = [...all].map(([what, by]) => {
    const ratios = columns.map(([name]) => (by.has(name) ? times(by.get(name).ratio) : ''))
    const both = used(by.get('git')) && `${used(by.get('git'))} / ${used(by.get('okstra'))} ms`
    return [grouped(what), amount(by.get('git').median), ...ratios, both]
  })
  return withRule([['create', '`git worktree add`', ...columns.map(([, heading]) => heading), 'user + sys, git / okstra'], ...lines])
}

/** Every bar, and what was reached. */
function barTable(rows) {
  const lines = rows.filter(({ bar }) => bar !== '').map(({ what, bar, median, unit, ratio, met, note }) => {
    const reached = ratio === null ? amount(median, unit) : `${times(ratio)} (${amount(median, unit)})`
    return [grouped(what), `<= ${bar}`, met ? reached : `**not met**: ${reached}`, note]
  })
  return withRule([['what', 'bar', 'measured', 'runs'], ...lines])
}

/** What it costs that a power cut takes nothing away. */
function durableTable(rows) {
  const by = new Map()
  for (const { what, median, ratio } of rows) {
    const [, place, name] = /^durable, (.*): (.*)$/.exec(what) ?? []
    if (place !== undefined && median !== null) by.set(place, new Map(by.get(place)).set(name, { median, ratio }))
  }
  const lines = [...by].map(([place, of]) => [
    grouped(place),
    ...['git', 'git, flushed', 'okstra', 'okstra, fast'].map((name) => amount(of.get(name).median)),
    ...['okstra beside okstra, fast', 'okstra beside git'].map((name) => times(of.get(name).ratio)),
  ])
  return withRule([['create', '`git worktree add`', 'with `core.fsync=all`', 'okstra', 'okstra, `fast`', 'okstra / `fast`', 'okstra / git'], ...lines])
}

/** Time by number of files, for those who want one look. */
function shortTable(rows) {
  const all = creations(rows)
  const columns = measured(all, IN_SHORT)
  const lines = SHORT.filter((what) => all.has(what)).map((what) => [
    grouped(what),
    ...columns.map(([name]) => (all.get(what).has(name) ? amount(all.get(what).get(name).median) : '')),
  ])
  return withRule([['repository', ...columns.map(([, heading]) => heading)], ...lines])
}

function machineLine(_rows, { at, machine }) {
  const { cpus, kernel, node, git, load } = machine
  return `Measured on ${at.slice(0, 10)} with ${cpus} processors, Linux ${kernel.replace(/^(\d+\.\d+).*/, '$1')}, ${git.replace(' version', '')} and Node ${node}, at a load of ${load.toFixed(1)} before it began.`
}

const BLOCKS = { create: createTable, bars: barTable, short: shortTable, durable: durableTable, machine: machineLine }

/** The text with each block between `<!-- bench: NAME -->` and `<!-- /bench -->` made anew. */
function withTables(text, found) {
  return text.replace(/(<!-- bench: (\w+) -->\n)[^]*?(<!-- \/bench -->)/g, (_, begin, name, end) => {
    if (!Object.hasOwn(BLOCKS, name)) throw new Error(`there is no table ${name}, only ${Object.keys(BLOCKS).join(', ')}`)
    return `${begin}\n${BLOCKS[name](found.rows, found)}\n\n${end}`
  })
}

module.exports = { withTables }
