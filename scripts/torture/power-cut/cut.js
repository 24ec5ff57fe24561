'use strict'

// What a disk holds when its power is cut: everything that was flushed, and of what came later what chance kept.

const fs = require('node:fs')

const HEAD = 24
/** What a device writes whole; of a larger write any part may arrive. */
const BLOCK = 4096

/** The records of a log: `{ type, disk, offset, length, at }`, a mark with its `text`. */
function readLog(file) {
  const bytes = fs.readFileSync(file)
  const records = []
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at + 16))
    const record = { type: String.fromCharCode(bytes[at]), disk: bytes[at + 1], offset: Number(bytes.readBigUInt64LE(at + 8)), length, at: at + HEAD }
    if (record.type === 'M') record.text = bytes.toString('utf8', record.at, record.at + length)
    records.push(record)
    at += HEAD + length
  }
  return { bytes, records }
}

/**
 * Makes images (copies of the base, writable) what they were after the first `count` records. What a completed flush has
 * not covered is kept or lost block by block, as `random` says.
 */
function cut({ bytes, records }, count, images, random) {
  const open = images.map((image) => fs.openSync(image, 'r+'))
  const flushed = images.map((_, disk) => records.slice(0, count).findLastIndex((record) => record.type === 'F' && record.disk === disk))
  let lost = 0
  for (const [number, { type, disk, offset, length, at }] of records.slice(0, count).entries()) {
    if (type !== 'W') continue
    if (number < flushed[disk]) {
      fs.writeSync(open[disk], bytes, at, length, offset)
      continue
    }
    for (let done = 0; done < length; ) {
      const size = Math.min(BLOCK - ((offset + done) % BLOCK), length - done)
      if (random.next() < 0.5) fs.writeSync(open[disk], bytes, at + done, size, offset + done)
      else lost++
      done += size
    }
  }
  for (const file of open) fs.closeSync(file)
  return lost
}

module.exports = { cut, readLog }
