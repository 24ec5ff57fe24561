'use strict'

// Answers calls of the Node API, one JSON line each: `{ call, args }` in, `{ ok, result | error }` out. Prints `ready`
// first.

const readline = require('node:readline')

const okstra = require('../../../index.js')

/** A function of the API by its name, `registry.release` among them. */
const named = (call) => call.split('.').reduce((value, name) => value[name], okstra)

async function answer({ call, args }) {
  try {
    return { ok: true, result: (await named(call)(...args)) ?? null }
  } catch (error) {
    const { name, code, message, obstacles } = error
    return { ok: false, error: { name, code, message, obstacles } }
  }
}

async function main() {
  console.log('ready')
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await answer(JSON.parse(line))))
  }
}

main()
