// The filters: which period, type, channel and department every figure speaks of.
import { useState } from 'preact/hooks'
import { embedded, useAnswer } from './api'
import { figures, type Filters } from './figures'
import { go, usePlace } from './place'
import { address } from './query'
import { daysBetween, isDate, named, plusDays, quarters } from './time'
import { dateLong, said, t } from './words'
import { useGeo } from './geo'

export interface Range {
  first: string
  last: string
}

// The days that the published series cover; null while unknown.
export function useRange(): { range: Range | null; asked: ReturnType<typeof useAnswer<{ day: string }[]>> } {
  const first = useAnswer<{ day: string }[]>(embedded ? null : address(figures.edge(false).query))
  const last = useAnswer<{ day: string }[]>(embedded ? null : address(figures.edge(true).query))
  if (embedded) return { range: embedded.range, asked: last }
  const from = first.answer?.data[0]?.day
  const to = last.answer?.data[0]?.day
  return { range: from && to ? { first: from, last: to } : null, asked: first.error ? first : last }
}

const spans: Record<string, number> = { '7': 7, '30': 30, '90': 90 }

export function filtersOf(params: URLSearchParams, range: Range): Filters {
  if (embedded) return { from: embedded.period.from, to: embedded.period.to, before: embedded.period.before, type: '', channel: '', department: '' }
  const period = params.get('period') ?? '30'
  const asked: [string | null, string | null] = [params.get('from'), params.get('to')]
  let [from, to] = named(period) ?? [range.first, range.last]
  if (spans[period]) from = plusDays(range.last, 1 - spans[period])
  if (period === 'custom') {
    if (isDate(asked[0])) from = asked[0]
    if (isDate(asked[1])) to = asked[1]
  }
  if (from < range.first) from = range.first
  if (to > range.last) to = range.last
  if (from > to) from = to
  const text = (name: string) => params.get(name) ?? ''
  return { from, to, before: plusDays(from, -(daysBetween(from, to) + 1)), type: text('type'), channel: text('channel'), department: text('department') }
}

function Choice({ label, value, options, onChange }: { label: string; value: string; options: [string, string][]; onChange: (value: string) => void }) {
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value} onChange={(e) => onChange(e.currentTarget.value)}>
        {options.map(([code, name]) => (
          <option key={code} value={code}>{name}</option>
        ))}
      </select>
    </label>
  )
}

export const types = ['P', 'Q', 'R', 'S']
export const channels = ['email', 'webform', 'chat', 'call', 'other_digital']

export function FilterBar({ range, filters }: { range: Range; filters: Filters }) {
  const { params } = usePlace()
  const geo = useGeo()
  const [open, setOpen] = useState(false)
  const period = params.get('period') ?? '30'
  const set = (name: string) => (value: string) => go('', { [name]: value || null })
  const presets: [string, string][] = [
    ['7', t('days7')], ['30', t('days30')], ['90', t('days90')], ['all', t('everything')],
    ...quarters(range.first, range.last).map((q): [string, string] => [q, q]), ['custom', t('custom')],
  ]
  const active = [filters.type && said(filters.type), filters.channel && said(filters.channel), filters.department].filter(Boolean)
  return (
    <section class={`filters${open ? ' open' : ''}`} aria-label={t('filters')}>
      <button type="button" class="filters-toggle" aria-expanded={open} onClick={() => setOpen(!open)}>
        {t('filters')}: {dateLong(filters.from)} – {dateLong(filters.to)}{active.length > 0 ? ` · ${active.join(' · ')}` : ''}
      </button>
      <div class="filters-fields">
        <Choice label={t('period')} value={presets.some(([code]) => code === period) ? period : 'custom'} options={presets}
          onChange={(value) => go('', value === 'custom' ? { period: value, from: filters.from, to: filters.to } : { period: value === '30' ? null : value, from: null, to: null })} />
        {period === 'custom' && (
          <>
            <label class="field"><span>{t('from')}</span><input type="date" value={filters.from} min={range.first} max={filters.to} onChange={(e) => set('from')(e.currentTarget.value)} /></label>
            <label class="field"><span>{t('to')}</span><input type="date" value={filters.to} min={filters.from} max={range.last} onChange={(e) => set('to')(e.currentTarget.value)} /></label>
          </>
        )}
        <Choice label={t('type')} value={filters.type} options={[['', t('all')], ...types.map((c): [string, string] => [c, said(c)])]} onChange={set('type')} />
        <Choice label={t('channel')} value={filters.channel} options={[['', t('all')], ...channels.map((c): [string, string] => [c, said(c)])]} onChange={set('channel')} />
        <Choice label={t('department')} value={filters.department}
          options={[['', t('all')], ...(geo ? geo.names : filters.department ? [filters.department] : []).map((n): [string, string] => [n, n]), ['unknown', t('unknownPlace')]]} onChange={set('department')} />
        {active.length > 0 && <button type="button" class="quiet" onClick={() => go('', { type: null, channel: null, department: null })}>{t('clear')}</button>}
        <p class="span">{dateLong(filters.from)} – {dateLong(filters.to)}</p>
      </div>
    </section>
  )
}
