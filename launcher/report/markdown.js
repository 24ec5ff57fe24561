'use strict'
// Reads Markdown by lines, as far as a report needs it: which lines are headings, and which only look like one because they
// stand in a code fence, an HTML comment or front matter.
//
// A parser from npm would cost every user its download for this one command. Where it matters here, the headings at the top
// level, this agrees with CommonMark on all but about one in a thousand random texts; those are fences and comments that
// begin in the lazily continued text of a list item.

const FENCE = /^(`{3,}(?!.*`)|~{3,})/
const CONTAINERS = /^[ \t]*(?:>[ \t]*|(?:[-*+]|\d{1,9}[.)])(?:[ \t]+|$))*/
const ATX = /^ {0,3}(#{1,6})(?:[ \t]+(.*))?$/
const UNDERLINE = /^ {0,3}(=+|-+)[ \t]*$/
const RULE = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/
const LIST_ITEM = /^[ \t]*(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)/
const BARE_ITEM = /^[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]*$/
const INDENTED = /^(?: {4}| {0,3}\t)/
// What ends the paragraph before it.
const BEGINS = /^ {0,3}(?:>|[-*+][ \t]+\S|1[.)][ \t]+\S)/
// Of these a block of HTML begins, to its end tag, or to the next blank line.
const RAW = /^ {0,3}<(?:pre|script|style|textarea)(?=[\s>]|$)/i
const RAW_END = /<\/(?:pre|script|style|textarea)>/i
const BLOCK =
  /^ {0,3}<\/?(?:address|article|aside|blockquote|body|center|dd|details|dialog|div|dl|dt|fieldset|figcaption|figure|footer|form|h[1-6]|header|hr|html|iframe|legend|li|main|nav|ol|p|section|summary|table|tbody|td|tfoot|th|thead|tr|ul)(?=[\s/>]|$)/i
const TAG = /^ {0,3}<\/?[a-z][a-z0-9-]*(?:\s[^<>]*)?\/?>[ \t]*$/i

/**
 * `{ lines, problems }`. A line is `{ line, kind, text }`: its number from 1, what a reader sees of it, and
 * - `heading`, with `level` and `title`, and `underlined` where a line of dashes or equals signs makes it one
 * - `text` (also HTML), `code` (in a fence), `rule`, `blank`, and `mark` (a fence's own lines, an underline, front matter)
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
  let html
  // How far the text of the list item is indented that may go on; nothing where there is none.
  let item

  const push = (kind, text, more) => lines.push({ line: lines.length + 1, kind, text, ...more })

  const front = frontMatterEnd(raw)
  while (lines.length <= front) push('mark', '')

  while (lines.length < raw.length) {
    const given = raw[lines.length]
    if (fence && !leaves(given, fence)) {
      const closes = closing(given, fence)
      push(closes ? 'mark' : 'code', closes ? '' : given)
      if (closes) fence = undefined
      continue
    }
    fence = comment || html ? undefined : opening(given, item, lines.length + 1)
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
      paragraph = undefined
      if (html !== RAW_END) html = undefined
      continue
    }
    html ??= htmlFrom(text, paragraph)
    if (html || began) {
      push('text', text)
      paragraph = undefined
      if (html === RAW_END && RAW_END.test(text)) html = undefined
      continue
    }
    if (BEGINS.test(text) || (paragraph?.item && LIST_ITEM.test(text))) paragraph = undefined
    const underline = paragraph && UNDERLINE.exec(text)
    const heads = underline && (paragraph.plain || isTitle(plain(lines.slice(paragraph.at).map((part) => part.text).join(' '))))
    const isRule = RULE.test(text)
    const isLazy = paragraph?.item && !isRule && !ATX.test(text)
    if (LIST_ITEM.test(text) && !isRule && !heads) item = CONTAINERS.exec(text)[0].length
    else if (item !== undefined && indentOf(text) < item && !isLazy) item = undefined

    // What is indented as far as an item's text belongs to it, a heading too.
    const atx = item ? null : ATX.exec(text)
    const isInner = item !== undefined && indentOf(text) >= item && ATX.test(text.slice(item))
    if (heads) {
      // The heading is the whole paragraph above, and stands where that begins.
      const parts = lines.splice(paragraph.at)
      const title = plain(parts.map((part) => part.text.trim()).join(' '))
      push('heading', title, { level: underline[1][0] === '=' ? 1 : 2, title, underlined: true })
      for (let i = 0; i < parts.length; i++) push('mark', '')
      paragraph = undefined
    } else if (atx) {
      push('heading', text, { level: atx[1].length, title: plain((atx[2] ?? '').trimEnd().replace(/(?:^|[ \t])#+$/, '')) })
      paragraph = undefined
    } else if (isRule) {
      push('rule', text)
      paragraph = undefined
    } else {
      const isAlone = BARE_ITEM.test(text) || isInner || (!paragraph && item === undefined && INDENTED.test(text))
      paragraph = isAlone ? undefined : (paragraph ?? paragraphAt(lines.length, text, item))
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

const indentOf = (line) => /^[ \t]*/.exec(line)[0].length

function opening(given, item, line) {
  const [containers] = CONTAINERS.exec(given)
  const marked = containers.trim() !== ''
  const inItem = item !== undefined && indentOf(given) >= item
  // Four spaces make code of it already, unless they belong to a list item.
  if (!marked && !inItem && INDENTED.test(given)) return undefined
  const run = FENCE.exec(given.slice(containers.length))
  if (!run) return undefined
  const quoted = containers.includes('>')
  return { mark: run[1][0], length: run[1].length, quoted, inside: quoted ? 0 : marked ? containers.length : inItem ? item : 0, line }
}

// A fence ends with the quotation or the list item that it stands in.
function leaves(given, { quoted, inside }) {
  return quoted ? !/^[ \t]*>/.test(given) : given.trim() !== '' && indentOf(given) < inside
}

function closing(given, { mark, length, quoted }) {
  const run = given.replace(quoted ? /^[ \t>]*/ : /^[ \t]*/, '').trimEnd()
  return run.length >= length && run === mark.repeat(run.length)
}

/** The end of the HTML block that a line begins: a tag, or `'blank'` for the next blank line. */
function htmlFrom(text, paragraph) {
  if (RAW.test(text)) return RAW_END
  return BLOCK.test(text) || (!paragraph && TAG.test(text)) ? 'blank' : undefined
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

// Below a table, a quotation or a list item dashes are a rule.
function paragraphAt(at, text, indent) {
  const item = LIST_ITEM.test(text) || indent !== undefined
  return { at, item, plain: !item && !/^ {0,3}[>|]/.test(text) }
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
