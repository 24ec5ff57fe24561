'use strict'
// Reads Markdown by lines, as far as a report needs it: which lines are headings, and which only look like one because they
// stand in a code fence, an HTML comment or front matter.

const FENCE = /^(`{3,}(?!.*`)|~{3,})/
const CONTAINERS = /^[ \t]*(?:>[ \t]*|(?:[-*+]|\d{1,9}[.)])(?:[ \t]+|$))*/
const ATX = /^ {0,3}(#{1,6})(?:[ \t]+(.*))?$/
const UNDERLINE = /^ {0,3}(=+|-+)[ \t]*$/
const RULE = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/
const LIST_ITEM = /^[ \t]*(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)/
const NUMBERED = /^ {0,3}\d{1,9}\.[ \t]+\S/

/**
 * `{ lines, problems }`. A line is `{ line, kind, text }`: its number from 1, what a reader sees of it, and
 * - `heading`, with `level` and `title`, and `underlined` where a line of dashes or equals signs makes it one
 * - `text`, `code` (in a fence), `rule`, `blank`, and `mark` (a fence's own lines, an underline, front matter)
 * CommonMark sees a numbered list and a rule in an underlined `1. Title`; `isTitle` says of such a line whether its writer
 * meant a heading. A problem is `{ line, kind }` with `fence` or `comment`: opened and never closed.
 */
function scan(source, isTitle = () => false) {
  const raw = source.replace(/^\ufeff/, '').split(/\r\n|\n|\r/)
  const lines = []
  const problems = []
  let fence
  let comment
  let paragraph
  let inList = false

  const push = (kind, text, more) => lines.push({ line: lines.length + 1, kind, text, ...more })

  const front = frontMatterEnd(raw)
  while (lines.length <= front) push('mark', '')

  while (lines.length < raw.length) {
    const given = raw[lines.length]
    if (fence && !(fence.quoted && !/^[ \t]*>/.test(given))) {
      const closes = closing(given, fence)
      push(closes ? 'mark' : 'code', closes ? '' : given)
      if (closes) fence = undefined
      continue
    }
    fence = comment ? undefined : opening(given, inList, lines.length + 1)
    if (fence) {
      push('mark', '')
      paragraph = undefined
      continue
    }
    const began = comment !== undefined || /^[ \t]*<!--/.test(given)
    const { text, open } = withoutComments(given, comment !== undefined)
    comment = open ? (comment ?? lines.length + 1) : undefined
    if (text.trim() === '') {
      push('blank', '')
      // A line that is all comment does not end the paragraph above it, but nobody writes an underline below one.
      paragraph = undefined
      continue
    }
    if (!/^[ \t]/.test(text)) inList = LIST_ITEM.test(text)
    else if (LIST_ITEM.test(text)) inList = true

    const atx = began ? null : ATX.exec(text)
    const underline = paragraph && !began && UNDERLINE.exec(text)
    if (atx) {
      push('heading', text, { level: atx[1].length, title: plain((atx[2] ?? '').trimEnd().replace(/(?:^|[ \t])#+$/, '')) })
      paragraph = undefined
    } else if (underline && (paragraph.plain || (paragraph.numbered && isTitle(plain(lines.at(-1).text))))) {
      // The heading is the whole paragraph above, and stands where that begins; of a list it is the last item.
      const parts = lines.splice(paragraph.plain ? paragraph.at : -1)
      const title = plain(parts.map((part) => part.text.trim()).join(' '))
      push('heading', title, { level: underline[1][0] === '=' ? 1 : 2, title, underlined: true })
      for (let i = 1; i < parts.length; i++) push('mark', '')
      push('mark', '')
      paragraph = undefined
    } else if (RULE.test(text)) {
      push('rule', text)
      paragraph = undefined
    } else {
      paragraph ??= paragraphAt(lines.length, text)
      push('text', text)
    }
  }
  if (fence) problems.push({ line: fence.line, kind: 'fence' })
  if (comment) problems.push({ line: comment, kind: 'comment' })
  return { lines, problems }
}

function frontMatterEnd(raw) {
  if (raw[0].trimEnd() !== '---') return -1
  return raw.findIndex((line, i) => i > 0 && /^(?:---|\.\.\.)[ \t]*$/.test(line))
}

function opening(given, inList, line) {
  const [containers] = CONTAINERS.exec(given)
  // Four spaces make code of it already, unless they belong to a list item.
  if (containers.trim() === '' && !inList && /^(?: {4}| {0,3}\t)/.test(given)) return undefined
  const run = FENCE.exec(given.slice(containers.length))
  return run ? { mark: run[1][0], length: run[1].length, quoted: containers.includes('>'), line } : undefined
}

function closing(given, { mark, length }) {
  const run = given.replace(/^[ \t>]*/, '').trimEnd()
  return run.length >= length && run === mark.repeat(run.length)
}

/** A line without its comments; code spans keep theirs. `open`: the line ends inside a comment. */
function withoutComments(line, inside) {
  let text = ''
  let open = inside
  for (let at = 0; at < line.length; ) {
    if (open) {
      const end = line.indexOf('-->', at)
      if (end < 0) return { text, open }
      at = end + 3
      open = false
      continue
    }
    const next = /`+|<!--/.exec(line.slice(at))
    if (!next) return { text: text + line.slice(at), open }
    const start = at + next.index
    text += line.slice(at, start)
    if (next[0] === '<!--') {
      // `<!-->` is a whole comment, hence the two steps back.
      const end = line.indexOf('-->', start + 2)
      open = end < 0
      at = open ? line.length : end + 3
      continue
    }
    const rest = line.slice(start + next[0].length)
    const span = new RegExp(`(?<!\`)${next[0]}(?!\`)`).exec(rest)
    const length = next[0].length + (span ? span.index + next[0].length : 0)
    text += line.slice(start, start + length)
    at = start + length
  }
  return { text, open }
}

function paragraphAt(at, text) {
  const numbered = NUMBERED.test(text)
  return { at, numbered, plain: !numbered && !LIST_ITEM.test(text) && !/^(?: {4}|\t| {0,3}[>|<])/.test(text) }
}

/** The words of a heading, without emphasis, escapes and entities. */
function plain(title) {
  return title
    .replace(/&amp;/g, '&')
    .replace(/\\([!-/:-@[-`{-~])/g, '$1')
    .replace(/(\*\*|__)(.*?)\1/g, '$2')
    .replace(/\s+/g, ' ')
    .trim()
}

module.exports = { scan }
