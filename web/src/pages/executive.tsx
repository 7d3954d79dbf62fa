// The page for the head of an office: what is late, where, why, what will be late next; then the figures of the period.
import type { ComponentChildren } from 'preact'
import { useAnswer, type Asked } from '../api'
import { types, type Range } from '../filters'
import { figures, type Figure, type Filters } from '../figures'
import { AboutButton } from '../parts/about'
import { Bars, Deaf, FigureCard } from '../parts/card'
import { Chart, Spark, type Series } from '../parts/chart'
import { Answered, Note } from '../parts/states'
import { go, href, report } from '../place'
import { address } from '../query'
import { eachDay } from '../time'
import { compact, dateLong, dateShort, dateWeekday, number, said, signed, t } from '../words'

type ByType = { day: string; pqrs_type: string }
export type VolumeRow = ByType & { n: number }
export type SlaRow = ByType & { closed: number; late: number }
type RiskRow = { risk: string; n: number }
type DueRow = { due_on: string | null; risk: string; n: number }

const total = <T,>(rows: T[], of: (row: T) => number) => rows.reduce((all, row) => all + of(row), 0)
export const compliance = (closed: number, late: number): number | null => (closed > 0 ? (100 * (closed - late)) / closed : null)

function byDay<T extends { day: string }>(rows: T[], days: string[], of: (row: T) => number): number[] {
  const at = new Map(days.map((day, i) => [day, i]))
  const out = new Array<number>(days.length).fill(0)
  for (const row of rows) {
    const i = at.get(row.day)
    if (i !== undefined) out[i]! += of(row)
  }
  return out
}
const typeSeries = <T extends ByType>(rows: T[], days: string[], of: (row: T) => number, style: Partial<Series>): Series[] =>
  types
    .filter((type) => rows.some((row) => row.pqrs_type === type))
    .map((type) => ({ name: said(type), colour: `--type-${type}`, data: byDay(rows.filter((row) => row.pqrs_type === type), days, of), stack: true, ...style }))

// ---- what is urgent -----------------------------------------------------------------------------------------------------

function Link({ to, children }: { to: string; children: ComponentChildren }) {
  return report ? <>{children}</> : <a href={to}>{children}</a>
}

function Urgent({ f, last }: { f: Filters; last: string }) {
  const risk = useAnswer<RiskRow[]>(address(figures.risk(f).query))
  const due = useAnswer<DueRow[]>(address(figures.due(f).query))
  const where = useAnswer<{ department_name: string | null; n: number }[]>(address(figures.lateWhere(f).query))
  const why = useAnswer<{ pqrs_type: string; current_status: string; n: number }[]>(address(figures.lateWhy(f).query))
  const of = (rows: RiskRow[], name: string) => rows.find((row) => row.risk === name)?.n ?? 0
  return (
    <section class="urgent" aria-label={t('head_title')}>
      <header><h2>{t('head_title')}</h2><span class="hint">{t('now')}: {dateLong(last)}</span><AboutButton figure={figures.risk(f)} name={t('head_title')} /></header>
      <Answered asked={risk}>
        {(rows) => (
          <div class="urgent-body">
            <p class="big late"><Link to={href('/cases', { risk: 'overdue' })}><b>{number(of(rows, 'overdue'))}</b> {t('head_late')}</Link></p>
            <p class="big soon"><Link to={href('/cases', { risk: 'due_soon' })}><b>{number(of(rows, 'due_soon'))}</b> {t('head_soon')}</Link></p>
            <NextDue asked={due} last={last} />
            <dl class="because">
              <Ranked title={t('head_where')} asked={where} name={(row) => said(row.department_name ?? 'unknown')} to={(row) => href('/cases', { risk: 'overdue', department: row.department_name ?? 'unknown' })} />
              <Ranked title={t('head_why')} asked={why} name={(row) => `${said(row.pqrs_type)} · ${said(row.current_status)}`} to={(row) => href('/cases', { risk: 'overdue', type: row.pqrs_type, status: row.current_status })} />
            </dl>
          </div>
        )}
      </Answered>
    </section>
  )
}

function NextDue({ asked, last }: { asked: Asked<DueRow[]>; last: string }) {
  const rows = (asked.answer?.data ?? []).filter((row) => row.due_on !== null && row.due_on > last)
  const day = rows[0]?.due_on
  if (!day) return null
  return (
    <p class="big next">
      <Link to={href('/cases', { risk: null, due: day })}><b>{number(total(rows.filter((row) => row.due_on === day), (row) => row.n))}</b> {t('head_next')} {dateWeekday(day)}</Link>
    </p>
  )
}

function Ranked<T extends { n: number }>({ title, asked, name, to }: { title: string; asked: Asked<T[]>; name: (row: T) => string; to: (row: T) => string }) {
  const rows = [...(asked.answer?.data ?? [])].sort((a, b) => b.n - a.n).slice(0, 3)
  if (rows.length === 0) return null
  return (
    <div>
      <dt>{title}</dt>
      <dd>
        <ol>{rows.map((row) => <li key={name(row)}><Link to={to(row)}>{name(row)}</Link> <b>{number(row.n)}</b></li>)}</ol>
      </dd>
    </div>
  )
}

// ---- figures of the period -----------------------------------------------------------------------------------------------

interface KpiProps {
  name: string
  figure: Figure
  filters: Filters
  asked: Asked<unknown[]>
  value: string
  change: { text: string; good: boolean | null } | null
  spark: number[]
  colour: string
}
function Kpi({ name, figure, filters, asked, value, change, spark, colour }: KpiProps) {
  return (
    <section class="kpi" aria-label={name}>
      <header><h2>{name}</h2><AboutButton figure={figure} name={name} /></header>
      <Answered asked={asked}>
        {() => (
          <>
            <p class="kpi-value">{value}</p>
            <p class={`change ${change?.good === true ? 'good' : change?.good === false ? 'bad' : ''}`}>{change ? <><b>{change.text}</b> {t('vsBefore')}</> : t('sinceStart')}</p>
            <Deaf figure={figure} filters={filters} />
            <Spark data={spark} colour={colour} />
          </>
        )}
      </Answered>
    </section>
  )
}

function changeOf(now: number, before: number | null, better: 'up' | 'down' | null): KpiProps['change'] {
  if (before === null || before === 0) return null
  const percent = (100 * (now - before)) / before
  return { text: `${signed(percent, 1)} %`, good: better === null || now === before ? null : (now > before) === (better === 'up') }
}

function Kpis({ f, compare }: { f: Filters; compare: boolean }) {
  const [volume, sla, backlog] = [figures.volume(f), figures.sla(f), figures.backlog(f)]
  const askedVolume = useAnswer<VolumeRow[]>(address(volume.query))
  const askedSla = useAnswer<SlaRow[]>(address(sla.query))
  const askedBacklog = useAnswer<VolumeRow[]>(address(backlog.query))
  const days = eachDay(f.from, f.to)
  const rows = <T extends { day: string }>(asked: Asked<T[]>) => ({
    now: (asked.answer?.data ?? []).filter((row) => row.day >= f.from),
    before: (asked.answer?.data ?? []).filter((row) => row.day < f.from),
  })
  const v = rows(askedVolume)
  const s = rows(askedSla)
  const b = rows(askedBacklog)
  const received = total(v.now, (row) => row.n)
  const closed = total(s.now, (row) => row.closed)
  const late = total(s.now, (row) => row.late)
  const closedBefore = total(s.before, (row) => row.closed)
  const lateBefore = total(s.before, (row) => row.late)
  const open = byDay(b.now, days, (row) => row.n)
  const openDays = new Set(b.now.map((row) => row.day))
  const openNow = open[days.findLastIndex((day) => openDays.has(day))] ?? 0
  const openBefore = total(b.before.filter((row) => row.day === b.before.at(-1)?.day), (row) => row.n)
  const pct = compliance(closed, late)
  const pctBefore = compliance(closedBefore, lateBefore)
  const daily = days.map((_, i) => i).map((i) => ({ closed: byDay(s.now, days, (row) => row.closed)[i]!, late: byDay(s.now, days, (row) => row.late)[i]! }))
  return (
    <div class="kpis">
      <Kpi name={t('k_received')} figure={volume} filters={f} asked={askedVolume} value={number(received)} colour="--accent"
        change={compare ? changeOf(received, total(v.before, (row) => row.n), null) : null} spark={byDay(v.now, days, (row) => row.n)} />
      <Kpi name={t('k_compliance')} figure={sla} filters={f} asked={askedSla} value={pct === null ? '–' : `${number(pct, 1)} %`} colour="--good"
        change={compare && pct !== null && pctBefore !== null ? { text: `${signed(pct - pctBefore, 1)} ${t('points')}`, good: pct === pctBefore ? null : pct > pctBefore } : null}
        spark={daily.flatMap((d) => compliance(d.closed, d.late) ?? [])} />
      <Kpi name={t('k_late')} figure={sla} filters={f} asked={askedSla} value={`${number(late)} ${t('of')} ${number(closed)}`} colour="--late"
        change={compare ? changeOf(late, lateBefore, 'down') : null} spark={daily.map((d) => d.late)} />
      <Kpi name={t('k_backlog')} figure={backlog} filters={f} asked={askedBacklog} value={number(openNow)} colour="--soon"
        change={compare ? changeOf(openNow, openBefore, 'down') : null} spark={open} />
    </div>
  )
}

// The types side by side: what came, how it was answered, what is left.
function Types({ f }: { f: Filters }) {
  const sla = useAnswer<SlaRow[]>(address(figures.sla(f).query))
  const backlog = useAnswer<VolumeRow[]>(address(figures.backlog(f).query))
  const lastDay = backlog.answer?.data.at(-1)?.day
  return (
    <FigureCard<VolumeRow> figure={{ ...figures.volume(f) }} filters={f} title={t('f_types')}>
      {(rows) => {
        const now = rows.filter((row) => row.day >= f.from)
        const all = total(now, (row) => row.n)
        return (
          <Bars chosen={f.type} {...(!report && { onPick: (type: string) => go('', { type: f.type === type ? null : type }) })}
            bars={types.map((type) => {
              const of = <R extends ByType>(list: R[] | undefined) => (list ?? []).filter((row) => row.pqrs_type === type && row.day >= f.from)
              const n = total(of(now), (row) => row.n)
              const answered = compliance(total(of(sla.answer?.data), (row) => row.closed), total(of(sla.answer?.data), (row) => row.late))
              const open = total(of(backlog.answer?.data).filter((row) => row.day === lastDay), (row) => row.n)
              return { code: type, name: said(type), value: n, text: number(n), colour: `--type-${type}`,
                extra: `${number(all > 0 ? (100 * n) / all : 0, 1)} % · ${answered === null ? '–' : `${number(answered, 1)} %`} ${t('risk_open').toLowerCase()} · ${number(open)} ${t('k_backlog').toLowerCase()}` }
            }).filter((bar) => f.type === '' || bar.value > 0)} />
        )
      }}
    </FigureCard>
  )
}

function Shares({ figure, f, column, order, pick }: { figure: Figure; f: Filters; column: 'channel' | 'priority'; order: string[]; pick?: string }) {
  return (
    <FigureCard<{ channel: string; priority: string; n: number }> figure={figure} filters={f}>
      {(rows) => {
        const all = total(rows, (row) => row.n)
        const known = [...rows].sort((a, b) => (order.length > 0 ? order.indexOf(a[column]) - order.indexOf(b[column]) : b.n - a.n))
        return (
          <Bars {...(pick !== undefined && !report && { chosen: f.channel, onPick: (code: string) => go('', { channel: f.channel === code ? null : code }) })}
            bars={known.map((row) => ({ code: row[column], name: said(row[column]), value: row.n, text: number(row.n), extra: `${number((100 * row.n) / all, 1)} %` }))} />
        )
      }}
    </FigureCard>
  )
}

const RISKS = [['overdue', '--late', 'risk_overdue'], ['due_soon', '--soon', 'risk_due_soon'], ['open', '--good', 'risk_open']] as const

function Due({ f }: { f: Filters }) {
  return (
    <FigureCard<DueRow> figure={figures.due(f)} filters={f} wide>
      {(rows) => {
        const days = [...new Set(rows.flatMap((row) => row.due_on ?? []))].sort()
        return (
          <Chart x={days} name={dateShort} title={dateWeekday} format={number} axis={compact} onPick={(day) => { if (!report) go('/cases', { due: day }) }}
            label={`${t('f_due')}: ${number(total(rows, (row) => row.n))}, ${number(total(rows.filter((row) => row.risk === 'overdue'), (row) => row.n))} ${t('late')}`}
            series={RISKS.map(([risk, colour, word]) => ({ name: t(word), colour, stack: true, data: days.map((day) => total(rows.filter((row) => row.due_on === day && row.risk === risk), (row) => row.n)) }))} />
        )
      }}
    </FigureCard>
  )
}

const AGES = [[0, 5], [6, 10], [11, 15], [16, 20], [21, Infinity]] as const

function Age({ f }: { f: Filters }) {
  return (
    <FigureCard<{ sla_days_elapsed: number; n: number }> figure={figures.age(f)} filters={f}>
      {(rows) => {
        const all = total(rows, (row) => row.n)
        return (
          <Bars bars={AGES.map(([low, high]) => {
            const n = total(rows.filter((row) => row.sla_days_elapsed >= low && row.sla_days_elapsed <= high), (row) => row.n)
            const name = high === Infinity ? `${t('moreThan')} ${low - 1}` : `${low} – ${high}`
            return { code: String(low), name: `${name} ${t('businessDays')}`, value: n, text: number(n), extra: `${number((100 * n) / (all || 1), 1)} %`, colour: low > 15 ? '--late' : low > 10 ? '--soon' : '--accent' }
          })} />
        )
      }}
    </FigureCard>
  )
}

export function Executive({ f, range }: { f: Filters; range: Range }) {
  const days = eachDay(f.from, f.to)
  const name = days.length > 1 ? dateShort : dateLong
  const inPeriod = <T extends { day: string }>(rows: T[]) => rows.filter((row) => row.day >= f.from)
  return (
    <>
      <Urgent f={f} last={range.last} />
      <Kpis f={f} compare={f.before >= range.first} />
      <div class="cards">
        <Due f={f} />
        <FigureCard<VolumeRow> figure={figures.volume(f)} filters={f} wide>
          {(rows) => (
            <Chart x={days} name={name} title={dateWeekday} format={number} axis={compact} label={`${t('f_volume')}: ${number(total(inPeriod(rows), (row) => row.n))}`}
              series={typeSeries(inPeriod(rows), days, (row) => row.n, {})} />
          )}
        </FigureCard>
        <FigureCard<SlaRow> figure={figures.sla(f)} filters={f}>
          {(rows) => {
            const closed = byDay(rows, days, (row) => row.closed)
            const late = byDay(rows, days, (row) => row.late)
            const values = days.map((_, i) => compliance(closed[i]!, late[i]!))
            const low = Math.min(...values.filter((v) => v !== null), 100)
            return (
              <Chart x={days} name={name} title={dateWeekday} format={(n) => `${number(n, 1)} %`} axis={(n) => `${number(n)} %`} min={Math.max(0, Math.floor((low - 2) / 10) * 10)} max={100}
                label={t('f_sla')} series={[{ name: t('k_compliance'), colour: '--good', line: true, data: values }]} />
            )
          }}
        </FigureCard>
        <FigureCard<VolumeRow> figure={figures.backlog(f)} filters={f}>
          {(rows) => (
            <Chart x={days} name={name} title={dateWeekday} format={number} axis={compact} label={t('f_backlog')} series={typeSeries(inPeriod(rows), days, (row) => row.n, { line: true, area: true })} />
          )}
        </FigureCard>
        <Types f={f} />
        <Age f={f} />
        <Shares figure={figures.channels(f)} f={f} column="channel" order={[]} pick="channel" />
        <Shares figure={figures.priorities(f)} f={f} column="priority" order={['alta', 'media', 'baja']} />
      </div>
    </>
  )
}

export function NoRun() {
  return <Note title={t('noRun')}><p>{t('noRunHint')}</p><pre tabindex={0}>pqr run</pre></Note>
}
