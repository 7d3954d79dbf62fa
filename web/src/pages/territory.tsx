// Where: departments on a map and in a ranking; of a chosen one, its municipalities.
import { useAnswer } from '../api'
import { figures, type Figure, type Filters } from '../figures'
import { useGeo, type Box, type Geo } from '../geo'
import { AboutButton, figureName } from '../parts/about'
import { Deaf } from '../parts/card'
import { Answered, Loading, Note } from '../parts/states'
import { Table } from '../parts/table'
import { go, href, usePlace } from '../place'
import { address } from '../query'
import { compliance } from './executive'
import { number, said, t } from '../words'

const metrics = ['geoVolume', 'geoBacklog', 'geoSla'] as const
type Metric = (typeof metrics)[number]
type Place = 'department_name' | 'dane_city_code'
type Row = { department_name?: string; dane_city_code?: string; n?: number; closed?: number; late?: number }

// Of compliance a low figure is the bad one: its colours run the other way.
const valueOf = (metric: Metric, row: Row): number | null => (metric === 'geoSla' ? compliance(row.closed ?? 0, row.late ?? 0) : (row.n ?? 0))
const textOf = (metric: Metric, value: number | null): string => (value === null ? '–' : metric === 'geoSla' ? `${number(value, 1)} %` : number(value))

const STEPS = 5
// Steps that hold about as many places each: one large city does not make all others pale.
function stepsOf(values: number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b)
  return Array.from({ length: STEPS - 1 }, (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / STEPS)] ?? 0)
}
const stepOf = (steps: number[], value: number) => steps.filter((s) => value >= s).length

function viewBox(geo: Geo, chosen: string): Box {
  const boxes = geo.outlines.filter((o) => chosen === '' || o.name === chosen).map((o) => o.box)
  const all = { x0: Math.min(...boxes.map((b) => b.x0)), y0: Math.min(...boxes.map((b) => b.y0)), x1: Math.max(...boxes.map((b) => b.x1)), y1: Math.max(...boxes.map((b) => b.y1)) }
  const margin = Math.max(all.x1 - all.x0, all.y1 - all.y0) * 0.04
  return { x0: all.x0 - margin, y0: all.y0 - margin, x1: all.x1 + margin, y1: all.y1 + margin }
}

function Map({ geo, rows, places, metric, chosen }: { geo: Geo; rows: Row[]; places: Row[]; metric: Metric; chosen: string }) {
  const values = new globalThis.Map(rows.map((row) => [row.department_name ?? '', valueOf(metric, row)]))
  const steps = stepsOf([...values].flatMap(([name, v]) => (v === null || name === 'unknown' ? [] : [v])))
  const box = viewBox(geo, chosen)
  const size = Math.max(box.x1 - box.x0, box.y1 - box.y0)
  const most = Math.max(...places.map((row) => row.n ?? row.closed ?? 0), 1)
  const pick = (name: string) => go('', { department: chosen === name ? null : name })
  return (
    <figure class="map">
      <svg viewBox={`${box.x0} ${box.y0} ${box.x1 - box.x0} ${box.y1 - box.y0}`} role="group" aria-label={`${t('map')}: ${figureName(metric)}`}>
        {geo.outlines.map((o) => {
          const value = values.get(o.name) ?? null
          const step = value === null ? 'none' : metric === 'geoSla' ? STEPS - 1 - stepOf(steps, value) : stepOf(steps, value)
          return (
            <path key={o.code} d={o.path} class={`area step-${step}${o.name === chosen ? ' chosen' : chosen === '' ? '' : ' other'}`} role="button" tabindex={0} aria-pressed={o.name === chosen}
              aria-label={`${o.name}: ${textOf(metric, value)}`} data-value={value ?? ''} onClick={() => pick(o.name)}
              onKeyDown={(e) => { if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); pick(o.name) } }}>
              <title>{`${o.name}: ${textOf(metric, value)}`}</title>
            </path>
          )
        })}
        {chosen !== '' && places.map((row) => {
          const place = geo.places.get(row.dane_city_code ?? '')
          if (!place || place.department !== chosen) return null
          return <circle key={row.dane_city_code} class="town" cx={place.x} cy={place.y} r={size * (0.006 + 0.03 * Math.sqrt((row.n ?? row.closed ?? 0) / most))}><title>{`${place.name}: ${textOf(metric, valueOf(metric, row))}`}</title></circle>
        })}
      </svg>
      <figcaption>
        <span>{metric === 'geoSla' ? t('more') : t('less')}</span>
        {Array.from({ length: STEPS }, (_, i) => <i key={i} class={`swatch step-${i}`} />)}
        <span>{metric === 'geoSla' ? t('less') : t('more')}</span>
      </figcaption>
    </figure>
  )
}

export function Territory({ f }: { f: Filters }) {
  const { params } = usePlace()
  const geo = useGeo()
  const metric = metrics.find((m) => m === params.get('figure')) ?? 'geoVolume'
  const of = (by: Place, filters: Filters): Figure => figures[metric](filters, by)
  const figure = of('department_name', { ...f, department: '' })
  const departments = useAnswer<Row[]>(address(figure.query))
  const townFigure = of('dane_city_code', f)
  const towns = useAnswer<Row[]>(f.department === '' ? null : address(townFigure.query))
  const ranked = (rows: Row[]) => [...rows].sort((a, b) => ((valueOf(metric, b) ?? -1) - (valueOf(metric, a) ?? -1)) * (metric === 'geoSla' ? -1 : 1))
  const name = (row: Row) => (row.dane_city_code !== undefined ? (geo?.places.get(row.dane_city_code)?.name ?? t('unknownPlace')) : said(row.department_name ?? 'unknown'))
  const columns = (first: string) => [
    { name: 'rank', label: '#', value: (_: Row, i: number) => i + 1, right: true },
    { name: 'place', label: first, value: (row: Row) => (row.department_name !== undefined ? <a href={href('', { department: row.department_name })}>{name(row)}</a> : name(row)) },
    { name: 'value', label: figureName(metric), value: (row: Row) => textOf(metric, valueOf(metric, row)), right: true },
    ...(metric === 'geoSla' ? [{ name: 'late', label: t('k_late'), value: (row: Row) => `${number(row.late ?? 0)} ${t('of')} ${number(row.closed ?? 0)}`, right: true }] : []),
  ]
  return (
    <>
      <div class="choice" role="group" aria-label={t('metric')}>
        {metrics.map((m) => <button key={m} type="button" aria-pressed={m === metric} onClick={() => go('', { figure: m === 'geoVolume' ? null : m })}>{figureName(m)}</button>)}
      </div>
      <Deaf figure={figure} filters={f} />
      <div class="cards territory">
        <section class="card" aria-label={t('map')}>
          <header><h2>{figureName(metric)}</h2><span class="hint">{f.department === '' ? t('mapHint') : <button type="button" class="quiet" onClick={() => go('', { department: null })}>{t('allCountry')}</button>}</span><AboutButton figure={figure} name={t('map')} /></header>
          <Answered asked={departments} tall>{(rows) => (geo ? <Map geo={geo} rows={rows} places={towns.answer?.data ?? []} metric={metric} chosen={f.department} /> : <Loading tall />)}</Answered>
        </section>
        {f.department === '' ? (
          <section class="card" aria-label={t('ranking')}>
            <header><h2>{t('ranking')}</h2><AboutButton figure={figure} name={t('ranking')} /></header>
            <Answered asked={departments} tall empty={(rows) => rows.length === 0 && <Note title={t('noData')} />}>
              {(rows) => <Table caption={t('ranking')} rows={ranked(rows)} columns={columns(t('department'))} />}
            </Answered>
          </section>
        ) : (
          <section class="card" aria-label={`${t('rankingOf')} ${f.department}`}>
            <header><h2>{t('rankingOf')} {said(f.department)}</h2><AboutButton figure={townFigure} name={`${t('rankingOf')} ${f.department}`} /></header>
            <Answered asked={towns} tall empty={(rows) => rows.length === 0 && <Note title={t('noData')} />}>
              {(rows) => <Table caption={`${t('rankingOf')} ${f.department}`} rows={ranked(rows)} columns={columns(t('municipality'))} />}
            </Answered>
          </section>
        )}
      </div>
    </>
  )
}
