'use strict'
// The headings of a report against the contract: which section is where, and what is wrong with how they stand.

const { HANDOFF, SECTIONS, sectionsOf, headingOf, isPartOfHandoff } = require('./contract.js')
const { TITLE } = require('./skeleton.js')
const { finding } = require('./rules.js')

const NUMBER = /^(\d+(?:\.\d+)*)(\.?)\s+(.*)$/

const same = (one, other) => one.toLowerCase() === other.toLowerCase()

/**
 * `{ title, sections, preamble, findings }`: the line of the title, a map from a section's number to its `{ line, body }`,
 * the lines before the first section, and the breaches.
 */
function outline(lines, kind) {
  const headings = lines.filter(({ kind: sort }) => sort === 'heading')
  const findings = []
  const title = titleOf(headings, findings)
  const found = []
  let current
  for (const heading of headings) {
    if (heading === title) continue
    const place = placeOf(heading, current, kind)
    if (place === 'free') continue
    current = { ...place, level: heading.level, heading }
    if (place.forbidden) findings.push(forbidden(heading, place))
    else if (!place.section) findings.push(extra(heading))
    else findings.push(...wrongForm(heading, place.section))
    found.push(current)
  }
  const sections = bodies(lines, found, findings)
  findings.push(...missing(sections, kind, lines), ...misplaced(sections, kind))
  const first = found[0]?.heading.line ?? lines.length + 1
  return { title: title?.line ?? 1, sections, preamble: lines.filter(({ line }) => line < first), findings }
}

/** Whether a text is the heading of a section, word for word. */
function isHeadingOfSection(text) {
  return SECTIONS.some((section) => headingOf(section) === text)
}

function titleOf(headings, findings) {
  const first = headings[0]
  const hint = `the report begins with the heading "# ${TITLE} <task-key>"`
  if (first?.level === 1 && !SECTIONS.some(({ title }) => same(title, first.title))) {
    if (!first.title.startsWith(`${TITLE} `)) findings.push(finding(first.line, 'title', `${hint}, not "${first.title}"`))
    return first
  }
  findings.push(finding(first?.line ?? 1, 'title', hint))
  return undefined
}

/**
 * What a heading is: `'free'` (a sub-heading of the writer's own), or `{ section }`, with nothing in it for one that the
 * contract does not know, and with `forbidden` where this kind of report may not have it.
 */
function placeOf(heading, current, kind) {
  const section = identify(heading, current)
  if (section === undefined) return isFree(heading, current) ? 'free' : {}
  if (kind.handoff || !isPartOfHandoff(section.number)) return { section }
  // One finding for 4.6 is enough; its parts are gone with it.
  return current?.forbidden && heading.level > current.level ? 'free' : { section, forbidden: true }
}

function identify(heading, current) {
  const [, number, , words] = NUMBER.exec(heading.title) ?? [undefined, undefined, undefined, heading.title]
  const byTitle = SECTIONS.find(({ title }) => same(title, words))
  const byNumber = SECTIONS.find((section) => section.number === number)
  if (byTitle && byNumber) return byTitle.level === heading.level ? byTitle : byNumber
  // Half a match is a mistyped section where one may stand, and a sub-heading of the writer's where one of those may.
  const half = byTitle ?? byNumber
  return half?.level === heading.level && !isFree(heading, current) ? half : undefined
}

function isFree(heading, current) {
  if (!current || heading.level <= current.level) return false
  // What stands below an extra heading is extra with it.
  if (!current.section) return true
  if (current.section.holds === 'parts') return current.forbidden === true
  const number = NUMBER.exec(heading.title)?.[1]
  return !number?.includes('.') || number.startsWith(`${current.section.number}.`)
}

function forbidden({ line, title }, { section }) {
  return finding(line, 'handoff-forbidden', `"${title}" belongs to reports of ${HANDOFF} runs only`, { section: section.number })
}

function extra({ line, title, level, underlined }) {
  const why = underlined ? '; the line of dashes or equals signs below it makes it a heading' : ''
  return finding(line, 'section-extra', `a final report has no section "${'#'.repeat(level)} ${title}" here${why}`)
}

function wrongForm({ line, title, level }, section) {
  const findings = []
  const heading = headingOf(section)
  const add = (rule, message) => findings.push(finding(line, rule, message, { section: section.number }))
  const [, number, , words] = NUMBER.exec(title) ?? [undefined, undefined, undefined, title]
  if (words !== section.title) add('section-title', `the title of ${section.number} is "${section.title}", not "${words}"`)
  if (number !== section.number) add('section-number', `"${title}" has to be "${heading}"`)
  if (level !== section.level) add('section-level', `"${heading}" is a heading of level ${section.level}, not ${level}`)
  return findings
}

function bodies(lines, found, findings) {
  const sections = new Map()
  found.forEach(({ section, forbidden: out, heading }, i) => {
    if (!section || out) return
    const first = sections.get(section.number)
    if (first) {
      const message = `"${headingOf(section)}" is there already, in line ${first.line}`
      findings.push(finding(heading.line, 'section-duplicate', message, { section: section.number }))
      return
    }
    const end = found[i + 1]?.heading.line ?? lines.length + 1
    sections.set(section.number, { line: heading.line, body: lines.slice(heading.line, end - 1) })
  })
  return sections
}

function missing(sections, kind, lines) {
  const all = sectionsOf(kind)
  // What follows the final line break is no line of the file.
  const last = Math.max(1, lines.at(-1).text === '' ? lines.length - 1 : lines.length)
  return all.flatMap((section, i) => {
    if (sections.has(section.number)) return []
    const next = all.slice(i + 1).find(({ number }) => sections.has(number))
    const line = next ? sections.get(next.number).line : last
    const where = next ? ` before "${headingOf(next)}"` : ' at the end'
    return [finding(line, 'section-missing', `"${'#'.repeat(section.level)} ${headingOf(section)}" is missing${where}`, { section: section.number })]
  })
}

// The fewest sections that have to move: those outside the longest run that is in order.
function misplaced(sections, kind) {
  const order = sectionsOf(kind)
  const index = new Map(order.map(({ number }, i) => [number, i]))
  const present = [...sections].sort(([, one], [, other]) => one.line - other.line).map(([number, { line }]) => ({ number, line, rank: index.get(number) }))
  const best = present.map(() => ({ length: 1, before: -1 }))
  present.forEach(({ rank }, i) => {
    for (let j = 0; j < i; j++) {
      if (present[j].rank < rank && best[j].length + 1 > best[i].length) best[i] = { length: best[j].length + 1, before: j }
    }
  })
  const longest = best.reduce((most, { length }, i) => (most < 0 || length > best[most].length ? i : most), -1)
  const kept = new Set()
  for (let i = longest; i >= 0; i = best[i].before) kept.add(i)
  return present.flatMap(({ number, line, rank }, i) => {
    if (kept.has(i)) return []
    const before = order.slice(0, rank).findLast((section) => sections.has(section.number))
    const where = before ? `after "${headingOf(before)}"` : 'first'
    return [finding(line, 'section-order', `"${headingOf(order[rank])}" stands in the wrong place: it comes ${where}`, { section: number })]
  })
}

module.exports = { outline, isHeadingOfSection }
