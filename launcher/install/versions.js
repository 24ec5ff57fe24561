'use strict'
// Which of two versions is the later one.

/** Whether version `a` is later than `b`, by the rules of semantic versioning. What is no version is never later. */
function isLater(a, b) {
  const [one, other] = [read(a), read(b)]
  if (!one || !other) return false
  for (let i = 0; i < 3; i++) {
    if (one.numbers[i] !== other.numbers[i]) return one.numbers[i] > other.numbers[i]
  }
  // A version with a label comes before the one without.
  if (one.labels.length === 0 || other.labels.length === 0) return one.labels.length < other.labels.length
  for (let i = 0; i < Math.max(one.labels.length, other.labels.length); i++) {
    const [left, right] = [one.labels[i], other.labels[i]]
    if (left === right) continue
    if (left === undefined || right === undefined) return right === undefined
    const numeric = [left, right].map((label) => /^\d+$/.test(label))
    if (numeric[0] && numeric[1]) return Number(left) > Number(right)
    return numeric[0] === numeric[1] ? left > right : numeric[1]
  }
  return false
}

function read(version) {
  const [, core, labels] = /^(\d+\.\d+\.\d+)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?$/.exec(version ?? '') ?? []
  return core && { numbers: core.split('.').map(Number), labels: labels?.split('.') ?? [] }
}

module.exports = { isLater }
