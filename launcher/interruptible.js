'use strict'
// Work that Ctrl-C and its like stop in good order.

const { LauncherError } = require('./errors.js')

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }

/**
 * Runs something that an `AbortSignal` stops, and stops it when this process is asked to end; then waits for its
 * clean-up. The second request of a kind ends the process at once, as if nobody had listened.
 */
async function interruptible(work) {
  const controller = new AbortController()
  let received
  const listeners = Object.keys(SIGNALS).map((name) => {
    const listener = () => {
      received ??= name
      controller.abort()
    }
    process.once(name, listener)
    return [name, listener]
  })
  try {
    const result = await work(controller.signal)
    // Whoever asked to stop does not expect an answer to work on.
    if (received) throw interrupted(received, 'it was done already', result)
    return result
  } catch (error) {
    if (received && error?.code === 'OKSTRA_ABORTED' && !(error instanceof LauncherError)) {
      throw interrupted(received, error.message, error)
    }
    throw error
  } finally {
    for (const [name, listener] of listeners) process.removeListener(name, listener)
  }
}

function interrupted(name, message, about) {
  const { path, branch, taskKey } = about ?? {}
  return new LauncherError('OKSTRA_ABORTED', `interrupted by ${name}: ${message}`, {
    hint: 'Run the command again when you want it: nothing of this attempt is in the way.',
    exitCode: SIGNALS[name],
    ...(path && { path }),
    ...(branch && { branch }),
    ...(taskKey && { taskKey }),
  })
}

module.exports = { interruptible }
