'use strict'
// A line on stderr that says that something is going on; only on a terminal, only when it takes a while.

const SHOW_AFTER_MS = 400
const FRAME_MS = 100
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const CLEAR_LINE = '\r\x1b[K'

let counted = ''

/** Says how far the work is: shown in the line of the progress, where there is one. */
function count(done, total, what) {
  counted = `: ${done.toLocaleString('en')} of ${total.toLocaleString('en')} ${what}`
}

/** Starts to show the progress of `label`; the function it gives back takes the line away again. */
function showProgress(label, stream = process.stderr) {
  if (!stream.isTTY || process.env.TERM === 'dumb') return () => {}
  const start = Date.now()
  let frame = 0
  let shown = false
  counted = ''

  const draw = () => {
    const elapsed = Date.now() - start
    if (elapsed < SHOW_AFTER_MS) return
    shown = true
    const line = `${FRAMES[frame++ % FRAMES.length]} ${label}${counted} (${Math.floor(elapsed / 1000)} s)`
    // A line that wraps could not be cleared.
    stream.write(CLEAR_LINE + [...line].slice(0, Math.max(10, (stream.columns || 80) - 1)).join(''))
  }
  const timer = setInterval(draw, FRAME_MS)
  timer.unref()

  return () => {
    clearInterval(timer)
    if (shown) stream.write(CLEAR_LINE)
    shown = false
  }
}

module.exports = { count, showProgress }
