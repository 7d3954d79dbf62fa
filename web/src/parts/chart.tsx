// Series over days or minutes, drawn by ECharts on a canvas. Colours are those of the style sheet; what the eye sees is told to
// a screen reader in one sentence, and the values stand as a table in the figure's dialog.
import { BarChart, LineChart } from 'echarts/charts'
import { GridComponent, TooltipComponent } from 'echarts/components'
import { init, use, type ECharts } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { useEffect, useRef, useState } from 'preact/hooks'

use([BarChart, LineChart, GridComponent, TooltipComponent, CanvasRenderer])

export interface Series {
  name: string
  colour: string // a variable of the style sheet, "--type-P"
  data: (number | null)[]
  line?: boolean
  area?: boolean
  stack?: boolean
}
interface Props {
  label: string
  x: string[]
  name: (x: string) => string // on the axis
  title?: (x: string) => string // in the tooltip
  series: Series[]
  format: (n: number) => string
  axis?: (n: number) => string
  min?: number
  max?: number
  height?: number
  onPick?: (x: string) => void
}

const colourOf = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

// ECharts would write style attributes into HTML, which the page's content security policy forbids: elements, then.
function tip(p: Props, index: number): HTMLElement {
  const box = document.createElement('div')
  const head = box.appendChild(document.createElement('strong'))
  head.textContent = (p.title ?? p.name)(p.x[index]!)
  for (const s of p.series) {
    const value = s.data[index]
    if (value === null || value === undefined) continue
    const line = box.appendChild(document.createElement('div'))
    const dot = line.appendChild(document.createElement('i'))
    dot.style.background = colourOf(s.colour)
    line.append(s.name)
    line.appendChild(document.createElement('b')).textContent = p.format(value)
  }
  return box
}

function option(p: Props): Parameters<ECharts['setOption']>[0] {
  const ink = colourOf('--muted')
  const rule = colourOf('--line')
  return {
    animation: false,
    textStyle: { fontFamily: 'inherit', color: ink },
    grid: { left: 4, right: 8, top: 10, bottom: 4, containLabel: true },
    tooltip: {
      trigger: 'axis',
      confine: true,
      className: 'tip',
      backgroundColor: colourOf('--surface'),
      borderColor: rule,
      textStyle: { color: colourOf('--ink') },
      axisPointer: { type: p.series.every((s) => s.line) ? 'line' : 'shadow', shadowStyle: { color: colourOf('--hover') }, lineStyle: { color: ink } },
      formatter: (params: unknown) => tip(p, (params as { dataIndex: number }[])[0]!.dataIndex),
    },
    xAxis: {
      type: 'category', data: p.x, boundaryGap: p.series.some((s) => !s.line), axisLine: { lineStyle: { color: rule } }, axisTick: { show: false },
      axisLabel: { formatter: p.name, hideOverlap: true, color: ink },
    },
    yAxis: {
      type: 'value', ...(p.min !== undefined && { min: p.min }), ...(p.max !== undefined && { max: p.max }), splitNumber: 4,
      splitLine: { lineStyle: { color: rule } }, axisLabel: { formatter: p.axis ?? p.format, color: ink },
    },
    series: p.series.map((s) => ({
      name: s.name, type: s.line ? ('line' as const) : ('bar' as const), data: s.data, ...(s.stack && { stack: 'all' }), color: colourOf(s.colour),
      ...(s.line ? { symbol: s.data.length > 1 ? 'none' : 'circle', connectNulls: true, lineStyle: { width: s.area ? 1.5 : 2 }, ...(s.area && { areaStyle: { opacity: 0.35 } }) } : { barCategoryGap: '22%', barMaxWidth: 40 }),
    })),
  }
}

export function useTheme(): number {
  const [turn, next] = useState(0)
  useEffect(() => {
    const again = () => next((n) => n + 1)
    addEventListener('pqr-theme', again)
    return () => removeEventListener('pqr-theme', again)
  }, [])
  return turn
}

export function Chart(p: Props) {
  const box = useRef<HTMLDivElement>(null)
  const chart = useRef<ECharts | null>(null)
  const theme = useTheme()
  const props = useRef(p)
  props.current = p
  useEffect(() => {
    const made = init(box.current!, null, { renderer: 'canvas' })
    chart.current = made
    Object.assign(box.current!, { chart: made })
    made.getZr().on('click', (event) => {
      const pick = props.current.onPick
      const at = made.convertFromPixel({ gridIndex: 0 }, [event.offsetX, event.offsetY])[0]
      const x = at === undefined ? undefined : props.current.x[at]
      if (pick && x !== undefined) pick(x)
    })
    const resize = new ResizeObserver(() => made.resize())
    resize.observe(box.current!)
    const paper = () => made.setOption(option(props.current), { notMerge: true })
    addEventListener('pqr-print', paper)
    return () => {
      removeEventListener('pqr-print', paper)
      resize.disconnect()
      made.dispose()
    }
  }, [])
  useEffect(() => {
    chart.current?.setOption(option(p), { notMerge: true })
  }, [p, theme])
  return (
    <>
      {p.series.length > 1 && (
        <ul class="legend">{p.series.map((s) => <li key={s.name}><i class="dot" style={{ background: `var(${s.colour})` }} />{s.name}</li>)}</ul>
      )}
      <div ref={box} class="chart" role="img" aria-label={p.label} style={{ height: `${p.height ?? 220}px` }} />
    </>
  )
}

export function Spark({ data, colour }: { data: number[]; colour: string }) {
  if (data.length < 2) return null
  const low = Math.min(...data)
  const high = Math.max(...data)
  const point = (v: number, i: number) => `${((i / (data.length - 1)) * 100).toFixed(2)} ${(26 - ((v - low) / (high - low || 1)) * 24).toFixed(2)}`
  const line = data.map((v, i) => (i === 0 ? 'M' : 'L') + point(v, i)).join('')
  return (
    <svg class="spark" viewBox="0 0 100 28" preserveAspectRatio="none" aria-hidden="true">
      <path d={`${line}L100 28L0 28Z`} fill={`var(${colour})`} opacity="0.12" />
      <path d={line} fill="none" stroke={`var(${colour})`} stroke-width="1.6" vector-effect="non-scaling-stroke" />
    </svg>
  )
}
