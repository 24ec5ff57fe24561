'use strict'

// The picture of the README: the time to create a worktree against the number of files, both logarithmic.

const echarts = require('echarts')

const WIDTH = 760
const HEIGHT = 440

/** In the order of the legend: how each contender is called and drawn. */
const SERIES = {
  git: { name: 'git worktree add', color: '#d1495b' },
  'git, 2 workers': { name: 'git, checkout.workers=2', color: '#edae49' },
  wt: { name: 'worktrunk', color: '#8d6a9f' },
  gtr: { name: 'git-worktree-runner', color: '#6b705c' },
  okstra: { name: 'okstra', color: '#00798c' },
  'okstra, a spare': { name: 'okstra, claiming a spare', color: '#30638e' },
  'from memory': { name: 'the same files written from memory', color: '#9aa0a6', dashed: true },
}

const thousands = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ',')
const duration = (ms) => (ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`)

/** The points of each contender that was measured, `[files, milliseconds]` by number of files. */
function pointsOf(rows) {
  const points = new Map(Object.keys(SERIES).map((contender) => [contender, []]))
  for (const { contender, files, median } of rows) if (contender && median !== null) points.get(contender)?.push([files, median])
  return new Map([...points].filter(([, list]) => list.length > 0).map(([contender, list]) => [contender, list.sort(([a], [b]) => a - b)]))
}

/** The library counts its names through the life of a process; the same rows shall give the same picture. */
function renumbered(svg) {
  const names = new Map()
  return svg.replace(/\bzr\d+-([a-z]+)-?\d+/g, (name, kind) => {
    if (!names.has(name)) names.set(name, `${kind}-${names.size}`)
    return names.get(name)
  })
}

/** Draws the rows of the `created` scenarios as an SVG. */
function picture(rows) {
  const points = pointsOf(rows)
  if (points.size === 0) throw new Error('there is nothing to draw: no scenario created-200, created-2000, ... was run')
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT })
  const axis = { type: 'log', nameLocation: 'middle', minorSplitLine: { show: false }, axisLine: { show: true } }
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: { text: 'Time to create a worktree', left: 16, top: 10, textStyle: { fontSize: 16 } },
    textStyle: { fontFamily: 'Helvetica, Arial, sans-serif' },
    legend: { left: 16, right: 16, top: 38, itemGap: 28, data: [...points.keys()].map((contender) => SERIES[contender].name) },
    grid: { left: 76, right: 32, top: 100, bottom: 56 },
    xAxis: { ...axis, name: 'files in the repository', nameGap: 32, min: 100, max: 200_000, axisLabel: { formatter: thousands } },
    yAxis: { ...axis, name: 'milliseconds of wall clock', nameGap: 54, axisLabel: { formatter: duration } },
    series: [...points].map(([contender, data]) => {
      const { name, color, dashed } = SERIES[contender]
      return { name, type: 'line', data, symbol: 'circle', symbolSize: 7, itemStyle: { color }, lineStyle: { color, width: 2, type: dashed ? 'dashed' : 'solid' } }
    }),
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return renumbered(svg)
}

module.exports = { picture, pointsOf }
