'use strict'
// Where a text stops being JSON: what `JSON.parse` says differs from Node to Node and often names no place.

const TOKEN = /[\t\n\r ]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-]))/y
const BLANK = /[\t\n\r ]*/y

// What may come in each state, as a message names it.
const EXPECTED = {
  value: 'a value',
  first: 'a value or "]"',
  key: 'a name in double quotes',
  firstKey: 'a name in double quotes or "}"',
  colon: '":"',
  afterItem: '"," or "]"',
  afterMember: '"," or "}"',
  end: 'nothing more',
}

/** `{ line, column, expected }` of the first place at which a text is no JSON; nothing when it is JSON. */
function jsonFault(text) {
  const open = []
  let state = 'value'
  let at = 0
  const after = () => (open.length === 0 ? 'end' : open.at(-1) === '{' ? 'afterMember' : 'afterItem')
  for (;;) {
    TOKEN.lastIndex = at
    const token = TOKEN.exec(text)
    const next = token && step(state, token, open, after)
    if (!next) break
    state = next
    at = TOKEN.lastIndex
  }
  BLANK.lastIndex = at
  BLANK.exec(text)
  const place = BLANK.lastIndex
  if (state === 'end' && place === text.length) return undefined
  const before = text.slice(0, place).split('\n')
  const found = place === text.length ? 'the end of the file' : JSON.stringify(String.fromCodePoint(text.codePointAt(place)))
  return { line: before.length, column: [...before.at(-1)].length + 1, expected: EXPECTED[state], found }
}

/** The state after a token, or nothing when it may not stand there. */
function step(state, [, mark, string, literal], open, after) {
  if (state === 'value' || state === 'first') {
    if (mark === '{' || mark === '[') {
      open.push(mark)
      return mark === '{' ? 'firstKey' : 'first'
    }
    if (mark === ']' && state === 'first') return close(open, after)
    return string !== undefined || literal !== undefined ? after() : undefined
  }
  if (state === 'key' || state === 'firstKey') {
    if (string !== undefined) return 'colon'
    return mark === '}' && state === 'firstKey' ? close(open, after) : undefined
  }
  if (state === 'colon') return mark === ':' ? 'value' : undefined
  if (state === 'afterItem') return mark === ',' ? 'value' : mark === ']' ? close(open, after) : undefined
  if (state === 'afterMember') return mark === ',' ? 'key' : mark === '}' ? close(open, after) : undefined
  return undefined
}

function close(open, after) {
  open.pop()
  return after()
}

module.exports = { jsonFault }
