// The unanswered cases, the most urgent first.
import { useLayoutEffect, useState } from 'preact/hooks'
import { useAnswer } from '../api'
import { figures, type Figure, type Filters } from '../figures'
import { AboutButton } from '../parts/about'
import { Answered, Note } from '../parts/states'
import { Table } from '../parts/table'
import { go, href, usePlace } from '../place'
import { address, col, type Query } from '../query'
import { daysBetween } from '../time'
import { dateLong, number, said, t } from '../words'

export interface CaseRow {
  ticket_id: string
  external_id: string
  pqrs_type: string
  source_channel: string
  priority: string
  department_name: string | null
  city_name: string | null
  current_status: string
  due_on: string | null
  days_left: number | null
  risk: string
}
const columns = ['ticket_id', 'external_id', 'pqrs_type', 'source_channel', 'priority', 'department_name', 'city_name', 'current_status', 'due_on', 'days_left', 'risk'].map(col)
const PAGE = 50
export const risks = ['overdue', 'due_soon', 'open'] as const
export const tone: Record<string, string> = { overdue: 'late', due_soon: 'soon', open: 'good' }

// Bogotá is a city and its own department: it is said once.
export const placeName = (city: string | null, department: string | null): string => [city, department].filter((name, i, all) => name && all.indexOf(name) === i).join(', ')

function question(f: Filters, params: URLSearchParams, shown: number): Figure {
  const where: Query['where'] = []
  const add = (column: string, name: string) => { const value = params.get(name); if (value) where.push([column, 'eq', value]) }
  for (const [column, name] of [['risk', 'risk'], ['due_on', 'due'], ['current_status', 'status'], ['priority', 'priority']] as const) add(column, name)
  const search = params.get('q')?.trim() ?? ''
  const anyOf: Query['where'] = search === '' ? [] : [['external_id', 'ilike', `*${search}*`], ['ticket_id', 'eq', search.toLowerCase()]]
  return figures.cases(f, { select: columns, where, anyOf, limit: shown })
}

function left(row: CaseRow, last: string) {
  if (row.due_on === null) return '–'
  if (row.due_on < last && row.risk === 'overdue') return `${t('lateBy')} ${number(daysBetween(row.due_on, last))} d`
  if (row.days_left === null) return '–'
  return row.due_on === last ? t('today') : `${number(row.days_left)} ${row.days_left === 1 ? t('businessDay') : t('businessDays')}`
}

function Search() {
  const { params } = usePlace()
  const q = params.get('q') ?? ''
  const [text, set] = useState(q)
  useLayoutEffect(() => set(q), [q]) // before anything can be typed: "/" comes here and sets the focus
  return (
    <form class="search" role="search" onSubmit={(e) => { e.preventDefault(); go('', { q: text.trim() || null, shown: null }) }}>
      <label class="field"><span>{t('search')}</span><input id="search" type="search" placeholder={t('searchHint')} value={text} onInput={(e) => set(e.currentTarget.value)} /></label>
      <button type="submit" class="primary">{t('search')}</button>
    </form>
  )
}

export function Cases({ f, last }: { f: Filters; last: string }) {
  const { params } = usePlace()
  const risk = params.get('risk') ?? ''
  const shown = Math.min(Math.max(Number(params.get('shown')) || PAGE, PAGE), 5000)
  const figure = question(f, params, shown)
  const asked = useAnswer<CaseRow[]>(address(figure.query))
  const counts = useAnswer<{ risk: string; n: number }[]>(address(figures.risk(f).query))
  const n = (name: string) => counts.answer?.data.filter((row) => name === '' || row.risk === name).reduce((all, row) => all + row.n, 0)
  const due = params.get('due')
  const extra = [due && `${t('dueOn')}: ${dateLong(due)}`, params.get('status') && `${t('status')}: ${said(params.get('status')!)}`].filter(Boolean)
  return (
    <>
      <div class="case-tools">
        <div class="choice" role="group" aria-label={t('f_risk')}>
          {['', ...risks].map((name) => (
            <button key={name} type="button" class={tone[name] ?? ''} aria-pressed={risk === name} onClick={() => go('', { risk: name || null, shown: null })}>
              {name === '' ? t('risk_all') : t(`risk_${name as 'open'}`)} {n(name) !== undefined && <b>{number(n(name)!)}</b>}
            </button>
          ))}
        </div>
        <Search />
      </div>
      {extra.length > 0 && <p class="chips">{extra.map((text) => <span key={text} class="chip">{text}</span>)} <button type="button" class="quiet" onClick={() => go('', { due: null, status: null })}>{t('clear')}</button></p>}
      <section class="card" aria-label={t('f_cases')}>
        <header><h2>{t('f_cases')}</h2>{asked.answer && <span class="hint">{number(asked.answer.data.length)}{asked.answer.total !== null && ` ${t('of')} ${number(asked.answer.total)}`}</span>}<AboutButton figure={figure} name={t('f_cases')} /></header>
        <Answered asked={asked} tall empty={(rows) => rows.length === 0 && <Note title={t('noCases')} />}>
          {(rows) => (
            <>
              <Table caption={t('f_cases')} rows={rows} columns={[
                { name: 'number', label: t('number'), value: (row) => <a href={href(`/cases/${row.ticket_id}`)}>{row.external_id || row.ticket_id.slice(0, 8)}</a> },
                { name: 'risk', label: t('f_risk').split(' ').at(-1)!.replace(/^./, (c) => c.toUpperCase()), value: (row) => <span class={`tag ${tone[row.risk] ?? ''}`}>{t(`risk_${row.risk as 'open'}`)}</span> },
                { name: 'due', label: t('dueOn'), value: (row) => (row.due_on ? dateLong(row.due_on) : '–') },
                { name: 'left', label: t('left'), value: (row) => left(row, last) },
                { name: 'type', label: t('type'), value: (row) => said(row.pqrs_type) },
                { name: 'priority', label: t('priority'), value: (row) => said(row.priority) },
                { name: 'status', label: t('status'), value: (row) => said(row.current_status) },
                { name: 'channel', label: t('channel'), value: (row) => said(row.source_channel) },
                { name: 'place', label: t('place2'), value: (row) => placeName(row.city_name, row.department_name) || '–' },
              ]} />
              {rows.length === shown && rows.length < (asked.answer?.total ?? Infinity) && <p class="more"><button type="button" onClick={() => go('', { shown: String(shown + 100) }, true)}>{t('loadMore')}</button></p>}
            </>
          )}
        </Answered>
      </section>
    </>
  )
}
