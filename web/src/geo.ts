// The map: outlines and names. Fetched once, when first wanted.
import { useEffect, useState } from 'preact/hooks'
import { report } from './place'

interface Raw {
  departments: { code: string; name: string; rings: number[][] }[]
  municipalities: [string, string, number, number][]
}
export interface Geo {
  names: string[] // of departments, in order
  outlines: { code: string; name: string; path: string; box: Box }[]
  places: Map<string, { name: string; department: string; x: number; y: number }>
}
export interface Box {
  x0: number
  y0: number
  x1: number
  y1: number
}

// San Andrés lies 700 km away, and would be two specks: it is drawn near the coast, its islands closer and ten times as large.
const ISLANDS = '88'
const project = (code: string, lon: number, lat: number): [number, number] => (code === ISLANDS ? [-7800 + (lon + 8155) * 2, -1130 - (lat - 1290) * 2] : [lon, -lat])
// A point of a ring that began at lon0, lat0.
function onMap(code: string, lon: number, lat: number, lon0: number, lat0: number): [number, number] {
  const [x, y] = project(code, lon0, lat0)
  const scale = code === ISLANDS ? 10 : 1
  return [x + (lon - lon0) * scale, y - (lat - lat0) * scale]
}

function draw(raw: Raw): Geo {
  const names = new Map(raw.departments.map((d) => [d.code, d.name]))
  return {
    names: raw.departments.map((d) => d.name).sort((a, b) => a.localeCompare(b, 'es')),
    outlines: raw.departments.map(({ code, name, rings }) => {
      const box = { x0: Infinity, y0: Infinity, x1: -Infinity, y1: -Infinity }
      const path = rings
        .map((ring) => {
          let lon = 0
          let lat = 0
          let d = ''
          for (let i = 0; i < ring.length; i += 2) {
            lon += ring[i]!
            lat += ring[i + 1]!
            const [x, y] = onMap(code, lon, lat, ring[0]!, ring[1]!)
            box.x0 = Math.min(box.x0, x)
            box.x1 = Math.max(box.x1, x)
            box.y0 = Math.min(box.y0, y)
            box.y1 = Math.max(box.y1, y)
            d += `${i === 0 ? 'M' : 'L'}${x} ${y}`
          }
          return `${d}Z`
        })
        .join('')
      return { code, name, path, box }
    }),
    places: new Map(
      raw.municipalities.map(([code, name, lon, lat]) => {
        const [x, y] = project(code.slice(0, 2), lon, lat)
        return [code, { name, department: names.get(code.slice(0, 2)) ?? '', x, y }]
      }),
    ),
  }
}

let known: Promise<Geo> | null = null
let ready: Geo | null = null

export function useGeo(): Geo | null {
  const [geo, set] = useState(ready)
  useEffect(() => {
    if (geo || report) return
    known ??= fetch('/geo.json').then(async (response) => (ready = draw((await response.json()) as Raw)))
    known.then(set, () => { known = null })
  }, [geo])
  return geo
}
