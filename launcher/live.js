'use strict'
// Text on a terminal that is drawn again in its place while it changes.

const FRAME_MS = 80
const ESCAPE = '\u001b'
const SEQUENCE = /\u001b\[[0-9;]*m/g

/**
 * Starts to show what `text()` gives, until `end()` takes all of it away again; `changed()` says that it gives something
 * else. Shows nothing where the stream is no terminal.
 */
function showLive(text, stream = process.stdout) {
  if (!stream.isTTY || process.env.TERM === 'dumb') return { changed() {}, end() {} }
  let lines = 0
  let timer

  const clear = () => (lines > 0 ? `${ESCAPE}[${lines}A` : '') + `\r${ESCAPE}[J`
  const draw = () => {
    timer = undefined
    const next = text()
    if (next === '') return
    // A line that wraps, or scrolls out at the top, could not be taken back.
    const room = Math.max(2, (stream.rows || 24) - 1)
    const all = next.split('\n')
    const shown = all.length > room ? [...all.slice(0, room - 1), `... and ${all.length - room + 1} more`] : all
    stream.write(`${clear()}${shown.map((line) => cut(line, stream.columns || 80)).join('\n')}\n`)
    lines = shown.length
  }
  draw()
  return {
    /** Something is different; drawn at once when nothing stands there yet, else soon, and not for each change. */
    changed() {
      timer ??= setTimeout(draw, lines === 0 ? 0 : FRAME_MS)
    },
    end() {
      clearTimeout(timer)
      if (lines > 0) stream.write(clear())
    },
  }
}

function cut(line, columns) {
  const { width } = require('./output.js')
  const plain = line.replace(SEQUENCE, '')
  if (width(plain) < columns) return line
  let kept = ''
  for (const character of plain) {
    if (width(kept + character) >= columns) break
    kept += character
  }
  return kept
}

module.exports = { showLive }
