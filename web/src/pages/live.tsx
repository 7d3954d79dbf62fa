// The shop's clicks, minute by minute, as the speed layer counts them; beside them the days of the batch layer.
import { useEffect } from 'preact/hooks'
import { token, useAnswer } from '../api'
import { figures, type Figure } from '../figures'
import { AboutButton } from '../parts/about'
import { FigureCard } from '../parts/card'
import { Chart, type Series } from '../parts/chart'
import { Answered, Note } from '../parts/states'
import { Table } from '../parts/table'
import { address } from '../query'
import { clock, compact, dateLong, instant, number, said, t } from '../words'

const EVERY = 10_000
const WINDOWS = 60 // minutes looked back at, from the newest one

type Newest = { window_start: string; updated_at: string }
type Offset = { sink: string; topic: string; partition: number; next_position: number; watermark: string | null; updated_at: string }

const minutesTo = (newest: string): string[] => {
  const end = Date.parse(newest)
  return Array.from({ length: WINDOWS }, (_, i) => new Date(end - (WINDOWS - 1 - i) * 60_000).toISOString().slice(0, 16))
}
function series<T extends { window_start: string }>(rows: T[], minutes: string[], key: (row: T) => string, n: (row: T) => number, colours: Record<string, string>): Series[] {
  return Object.entries(colours).map(([code, colour]) => {
    const at = new Map(rows.filter((row) => key(row) === code).map((row) => [row.window_start.slice(0, 16), n(row)]))
    return { name: said(code), colour, stack: true, data: minutes.map((m) => at.get(m) ?? 0) }
  })
}

function Windows({ newest }: { newest: Newest }) {
  const minutes = minutesTo(newest.window_start)
  const since = `${minutes[0]}:00Z`
  const title = (m: string) => instant(`${m}:00Z`)
  const name = (m: string) => clock(`${m}:00Z`)
  const events = useAnswer<{ window_start: string; event_count: number }[]>(address(figures.events(since).query), EVERY)
  const offsets = useAnswer<Offset[]>('/api/v1/realtime/offsets', EVERY)
  const late = useAnswer<{ event_count: number }[]>('/api/v1/realtime/late_events', EVERY)
  const inLast = (events.answer?.data ?? []).filter((row) => row.window_start.slice(0, 16) === minutes.at(-1)).reduce((all, row) => all + row.event_count, 0)
  const marks = (offsets.answer?.data ?? []).flatMap((row) => row.watermark ?? []).sort()
  return (
    <div class="stack">
      <div class="kpis">
        <Tile name={t('lastWindow')} figure={figures.newest()} value={instant(newest.window_start)} note={`${t('updated')} ${instant(newest.updated_at, true)}`} />
        <Tile name={t('perMinute')} figure={figures.events(since)} value={number(inLast)} note={clock(newest.window_start)} />
        <Tile name={t('watermark')} value={marks[0] ? instant(marks[0], true) : '–'} note={`${t('partitions')}: ${number(marks.length)}`} />
        <Tile name={t('lateEvents')} value={number((late.answer?.data ?? []).reduce((all, row) => all + row.event_count, 0))} note="realtime.late_events" />
      </div>
      <div class="cards">
        <FigureCard<{ window_start: string; event_type: string; event_count: number }> figure={figures.events(since)} wide every={EVERY}>
          {(rows) => <Chart x={minutes} name={name} title={title} format={number} axis={compact} label={t('f_events')}
            series={series(rows, minutes, (row) => row.event_type, (row) => row.event_count, { click: '--type-P', login: '--type-S', purchase: '--type-Q', logout: '--type-R' })} />}
        </FigureCard>
        <FigureCard<{ window_start: string; source: string; login_count: number }> figure={figures.logins(since)} every={EVERY}>
          {(rows) => <Chart x={minutes} name={name} title={title} format={number} axis={compact} label={t('f_logins')} series={series(rows, minutes, (row) => row.source, (row) => row.login_count, { web: '--type-P', mobile: '--type-Q' })} />}
        </FigureCard>
        <FigureCard<{ window_start: string; purchase_count: number }> figure={figures.purchases(since)} every={EVERY}>
          {(rows) => <Chart x={minutes} name={name} title={title} format={number} axis={compact} label={t('f_purchases')} series={series(rows, minutes, () => 'purchase', (row) => row.purchase_count, { purchase: '--type-Q' })} />}
        </FigureCard>
      </div>
    </div>
  )
}

function Tile({ name, value, note, figure }: { name: string; value: string; note: string; figure?: Figure }) {
  return <section class="kpi" aria-label={name}><header><h2>{name}</h2>{figure && <AboutButton figure={figure} name={name} />}</header><p class="kpi-value small">{value}</p><p class="change">{note}</p></section>
}

export function Live() {
  const newest = useAnswer<Newest[]>(address(figures.newest().query), EVERY)
  const again = newest.again
  // A window that closes is told at once; the question every 10 s stays, for those who cannot be told.
  useEffect(() => {
    if (token()) return // an event source cannot send one
    const events = new EventSource('/api/v1/events')
    events.addEventListener('window', again)
    return () => events.close()
  }, [])
  const nothing = <Note title={t('noStream')}><p>{t('noStreamHint')}</p><pre tabindex={0}>{'pqr stream produce --sink - --rate 100 | pqr stream aggregate --source - --source-id shop'}</pre></Note>
  return (
    <>
      <p class="hint">{t('liveTitle')} · {t('refreshed')}</p>
      {newest.error?.status === 404 ? nothing : <Answered asked={newest} tall empty={(rows) => rows.length === 0 && nothing}>{(rows) => <Windows newest={rows[0]!} />}</Answered>}
      <div class="cards">
        <FigureCard<{ event_date: string; dau_count: number; total_purchases: number; conversion_rate: number | string }> figure={figures.daily()} wide>
          {(rows) => (
            <Table caption={t('f_daily')} rows={[...rows].reverse()} columns={[
              { name: 'day', label: t('day'), value: (row) => dateLong(row.event_date) },
              { name: 'dau', label: t('activeUsers'), value: (row) => number(row.dau_count), right: true },
              { name: 'purchases', label: said('purchase'), value: (row) => number(row.total_purchases), right: true },
              { name: 'rate', label: t('conversion'), value: (row) => `${number(100 * Number(row.conversion_rate), 2)} %`, right: true },
            ]} />
          )}
        </FigureCard>
      </div>
    </>
  )
}
