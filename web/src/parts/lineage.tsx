// Lineage as a graph: a column for each step from the source, an edge for each "was made from".
import { useState } from 'preact/hooks'
import { t } from '../words'

export interface Edge {
  stage: string
  input: string
  input_version: string | null
  output: string
  output_version: string | null
}
const WIDTH = 220
const GAP = 70
const ROW = 30

// A node stands one column right of the rightmost of what it was made from. Edges that go round are left out of that reckoning.
function columnsOf(edges: Edge[]): Map<string, number> {
  const inputs = new Map<string, string[]>()
  for (const e of edges) {
    inputs.set(e.output, [...(inputs.get(e.output) ?? []), e.input])
    if (!inputs.has(e.input)) inputs.set(e.input, [])
  }
  const at = new Map<string, number>()
  const column = (name: string, below: Set<string>): number => {
    const known = at.get(name)
    if (known !== undefined) return known
    if (below.has(name)) return 0
    below.add(name)
    const found = Math.max(-1, ...(inputs.get(name) ?? []).map((input) => column(input, below))) + 1
    below.delete(name)
    at.set(name, found)
    return found
  }
  for (const name of inputs.keys()) column(name, new Set())
  return at
}

export function LineageGraph({ edges }: { edges: Edge[] }) {
  const [over, set] = useState<string | null>(null)
  const unique = [...new Map(edges.filter((e) => e.input !== 'config').map((e) => [`${e.input} ${e.output}`, e])).values()]
  const at = columnsOf(unique)
  const columns: string[][] = []
  for (const [name, i] of at) (columns[i] ??= []).push(name)
  const rows = Math.max(...columns.map((c) => c.length))
  const place = new Map<string, { x: number; y: number }>()
  columns.forEach((names, i) => names.sort().forEach((name, k) => place.set(name, { x: i * (WIDTH + GAP), y: ((k + 0.5) * rows * ROW) / names.length })))
  const near = new Set<string>()
  if (over) {
    const walk = (name: string, forward: boolean) => {
      for (const e of unique) {
        const [from, to] = forward ? [e.input, e.output] : [e.output, e.input]
        if (from === name && !near.has(`${forward} ${to}`)) {
          near.add(`${forward} ${to}`)
          walk(to, forward)
        }
      }
    }
    near.add(`true ${over}`)
    near.add(`false ${over}`)
    walk(over, true)
    walk(over, false)
  }
  const lit = (name: string) => over === null || near.has(`true ${name}`) || near.has(`false ${name}`)
  const width = columns.length * (WIDTH + GAP) - GAP
  return (
    <div class="lineage" tabindex={0} role="group" aria-label={t('lineage')}>
      <svg viewBox={`-4 -4 ${width + 8} ${rows * ROW + 8}`} width={width} height={rows * ROW} role="img" aria-label={`${t('lineage')}: ${unique.map((e) => `${e.input} → ${e.output}`).join(', ')}`}>
        {unique.map((e) => {
          const a = place.get(e.input)!
          const b = place.get(e.output)!
          const both = lit(e.input) && lit(e.output)
          return <path key={`${e.input} ${e.output}`} class={`edge${both ? '' : ' dim'}`} d={`M${a.x + WIDTH} ${a.y}C${a.x + WIDTH + GAP / 2} ${a.y} ${b.x - GAP / 2} ${b.y} ${b.x} ${b.y}`} />
        })}
        {[...place].map(([name, p]) => {
          const [layer, ...rest] = name.split('.')
          return (
            <g key={name} class={`node layer-${layer}${lit(name) ? '' : ' dim'}`} transform={`translate(${p.x} ${p.y - 11})`} onMouseEnter={() => set(name)} onMouseLeave={() => set(null)}>
              <rect width={WIDTH} height="22" rx="5" />
              <text x="9" y="15"><tspan class="layer">{layer}</tspan> {rest.join('.').slice(0, 26)}</text>
              <title>{name}</title>
            </g>
          )
        })}
      </svg>
    </div>
  )
}
