'use strict'
// The nearest of the known names, for a name that was mistyped.

/** How many letters have to be added, dropped, changed or swapped with their neighbour. */
function distance(a, b) {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      row[j] = Math.min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j], rows[i - 2][j - 2] + 1)
      }
    }
    rows.push(row)
  }
  return rows[a.length][b.length]
}

/** The name that was probably meant, or nothing. */
function nearest(name, known) {
  const wanted = name.toLowerCase().slice(0, 64)
  const begins = wanted.length > 1 && known.find((candidate) => candidate.startsWith(wanted))
  if (begins) return begins
  const ranked = known.map((candidate) => ({ candidate, far: distance(wanted, candidate) }))
  ranked.sort((one, other) => one.far - other.far)
  const best = ranked[0]
  return best && best.far <= Math.max(1, Math.floor(best.candidate.length / 3)) ? best.candidate : undefined
}

module.exports = { distance, nearest }
