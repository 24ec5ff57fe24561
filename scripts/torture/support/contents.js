'use strict'

const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')

/** The content of every file below a directory that is not empty: its hash, and one place of it. */
function contents(directory, except = /$^/) {
  const found = new Map()
  const visit = (place) => {
    for (const name of fs.readdirSync(place)) {
      const child = path.join(place, name)
      const stat = fs.lstatSync(child)
      if (stat.isDirectory()) visit(child)
      else if (stat.isFile() && stat.size > 0 && !except.test(child)) found.set(digest(child), child)
    }
  }
  visit(directory)
  return found
}

const digest = (file) => crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex')

/** The places of contents that are nowhere any more. */
function missing(before, after) {
  return [...before].filter(([hash]) => !after.has(hash)).map(([, file]) => file)
}

module.exports = { contents, missing }
