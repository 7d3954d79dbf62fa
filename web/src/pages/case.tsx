// One case: where it stands, why it is due on its day, what happened to it.
import { useAnswer } from '../api'
import { Answered, Note } from '../parts/states'
import { Table } from '../parts/table'
import { href } from '../place'
import { plusDays, weekday } from '../time'
import { dateLong, dateShort, dateWeekday, instant, isWord, monthName, number, said, t, weekdays } from '../words'
import { placeName, tone } from './cases'

interface Day {
  date: string
  why: 'counted' | 'weekend' | 'holiday' | 'hold' | 'stop' | 'extended'
  n?: number
  names?: string[]
}
interface Due {
  received?: string
  due?: string
  as_of: string
  answered_at: string | null
  sla_business_days: number
  request_kind: string | null
  law: string | null
  hold_days: number
  sla_status: 'IN_TIME' | 'LATE' | 'NOT_STARTED'
  sla_risk: string | null
  stands: { why: string; from: string; to: string }[]
  days: Day[]
}
interface Ticket {
  ticket: Record<string, string | number | null>
  timeline: { ts: string; event: string; from: string | null; to: string | null; actor: string | null; reason?: string | null }[]
  messages: { ts: string; role: string; text: string }[]
  due: Due | null
}

const because = (day: Day): string => (day.why === 'holiday' && day.names ? day.names.join(', ') : t(`w_${day.why}`))

// Weeks as rows, Monday first; a month's name where it begins.
function Calendar({ due }: { due: Due }) {
  const days = new Map(due.days.map((day) => [day.date, day]))
  const first = plusDays(due.received!, -weekday(due.received!))
  const weeks: string[][] = []
  for (let monday = first; monday <= due.due!; monday = plusDays(monday, 7)) weeks.push(Array.from({ length: 7 }, (_, i) => plusDays(monday, i)))
  return (
    <div class="calendar" aria-hidden="true">
      <div class="week head"><span class="month" />{weekdays().map((name) => <span key={name}>{name}</span>)}</div>
      {weeks.map((week, i) => (
        <div key={week[0]} class="week">
          <span class="month">{i === 0 || week[0]!.slice(0, 7) !== weeks[i - 1]![0]!.slice(0, 7) ? monthName(week[0]!) : ''}</span>
          {week.map((date) => {
            const day = days.get(date)
            const mark = date === due.received ? ' received' : date === due.due ? ' due' : ''
            return (
              <span key={date} class={`day ${day?.why ?? 'outside'}${mark}`} title={day ? `${dateWeekday(date)}: ${because(day)}` : date === due.received ? `${dateWeekday(date)}: ${t('received')}` : ''}>
                <small>{Number(date.slice(8))}</small>
                <b>{day?.why === 'counted' ? day.n : day?.why === 'extended' ? `+${day.n}` : date === due.received ? '●' : ''}</b>
                {day?.why === 'holiday' && <em>{day.names?.[0] ?? t('w_holiday')}</em>}
              </span>
            )
          })}
        </div>
      ))}
      <ul class="legend">
        {(['counted', 'extended', 'weekend', 'holiday', 'hold', 'stop'] as const).filter((why) => due.days.some((day) => day.why === why)).map((why) => <li key={why}><i class={`dot day-${why}`} />{t(`w_${why}`)}</li>)}
      </ul>
    </div>
  )
}

function Why({ due }: { due: Due }) {
  if (!due.due || !due.received) return <Note title={t('verdict_NOT_STARTED')} />
  return (
    <>
      <dl class="facts">
        <div><dt>{t('received')}</dt><dd>{dateWeekday(due.received)}</dd></div>
        <div><dt>{t('term')}</dt><dd>{due.sla_business_days} {t('businessDays')}<small>{due.law ?? t('lawConfigured')}</small></dd></div>
        <div><dt>{t('holdDays')}</dt><dd>{due.hold_days}{due.stands.map((s) => <small key={s.from}>{isWord(`w_${s.why}`) ? t(`w_${s.why}` as 'w_hold') : s.why}: {dateShort(s.from)} – {dateShort(s.to)}</small>)}</dd></div>
        <div><dt>{t('due')}</dt><dd><b>{dateWeekday(due.due)}</b></dd></div>
        <div><dt>{t('answered')}</dt><dd>{due.answered_at ? instant(due.answered_at) : t('notAnswered')}</dd></div>
        <div><dt>{t('verdict')}</dt><dd><span class={`tag ${due.sla_status === 'LATE' ? 'late' : 'good'}`}>{t(`verdict_${due.sla_status}`)}</span></dd></div>
      </dl>
      <Calendar due={due} />
      <details>
        <summary>{t('daysTable')}</summary>
        <Table caption={t('daysTable')} rows={due.days} columns={[
          { name: 'day', label: t('day'), value: (day) => dateWeekday(day.date) },
          { name: 'counts', label: t('counts'), value: (day) => (day.why === 'counted' ? `${t('dayOf')} ${day.n} ${t('of')} ${due.sla_business_days}` : day.why === 'extended' ? `+${day.n}` : '–') },
          { name: 'why', label: t('whyNot'), value: because },
        ]} />
      </details>
    </>
  )
}

const actor = (role: string | null): string => (role === null ? '' : isWord(`role_${role}`) ? t(`role_${role}` as 'role_agent') : role)

export function Case({ id }: { id: string }) {
  const asked = useAnswer<Ticket>(`/api/v1/tickets/${encodeURIComponent(id)}`)
  return (
    <>
      <p><a href={href('/cases')}>← {t('back')}</a></p>
      <Answered asked={asked} tall>
        {({ ticket, timeline, messages, due }) => {
          const text = (name: string) => (ticket[name] === null || ticket[name] === undefined ? '' : String(ticket[name]))
          const risk = due?.sla_risk === 'OVERDUE' ? 'overdue' : due?.sla_risk === 'AT_RISK' ? 'due_soon' : null
          const events = [
            ...timeline.flatMap((e) => (e.to ? [{ ts: e.ts, what: e.from ? `${said(e.from)} → ${said(e.to)}` : said(e.to), who: actor(e.actor ?? (e.from ? null : 'citizen')), text: e.reason ?? '' }] : [])),
            ...messages.map((m) => ({ ts: m.ts, what: '', who: actor(m.role), text: m.text })),
          ].sort((a, b) => a.ts.localeCompare(b.ts))
          return (
            <div class="stack">
              <section class="card" aria-label={text('external_id')}>
                <header><h2>{text('external_id') || text('ticket_id')}</h2><span class="tag">{said(text('current_status'))}</span>{risk && <span class={`tag ${tone[risk]}`}>{t(`risk_${risk}`)}</span>}</header>
                <dl class="facts">
                  <div><dt>{t('type')}</dt><dd>{said(text('pqrs_type'))}</dd></div>
                  <div><dt>{t('priority')}</dt><dd>{said(text('priority'))}</dd></div>
                  <div><dt>{t('channel')}</dt><dd>{said(text('source_channel'))}</dd></div>
                  <div><dt>{t('place')}</dt><dd>{placeName(text('city_name'), text('department_name')) || t('unknownPlace')}</dd></div>
                  <div><dt>{t('created')}</dt><dd>{text('created_at') && instant(text('created_at'))}</dd></div>
                  <div><dt>{t('closedAt')}</dt><dd>{text('closed_at') ? instant(text('closed_at')) : '–'}</dd></div>
                </dl>
                <p class="hint"><code>{text('ticket_id')}</code> · {t('run')} <a href={href('/operations', { run: text('run_id') })}><code>{text('run_id').slice(0, 8)}</code></a></p>
              </section>
              <div class="cards">
                <section class="card" aria-label={t('whyDue')}><header><h2>{t('whyDue')}</h2>{due?.due && <span class="hint">{dateLong(due.due)}</span>}</header>{due ? <Why due={due} /> : <Note title={t('noData')} />}</section>
                <section class="card" aria-label={t('timeline')}>
                  <header><h2>{t('timeline')}</h2><span class="hint">{number(events.length)}</span></header>
                  <ol class="timeline">
                    {events.map((e, i) => (
                      <li key={i} class={e.what === '' ? 'message' : ''}><time dateTime={e.ts}>{instant(e.ts)}</time> {e.who && <span class="who">{e.who}</span>}{e.what && <b>{e.what}</b>}{e.text && <p>{e.text}</p>}</li>
                    ))}
                  </ol>
                </section>
              </div>
            </div>
          )
        }}
      </Answered>
    </>
  )
}
