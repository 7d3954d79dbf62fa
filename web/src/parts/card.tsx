// A figure on the page: its name, the way to its definition, and its rows drawn by whoever asks for it.
import type { ComponentChildren } from 'preact'
import { useAnswer } from '../api'
import type { Figure, Filters } from '../figures'
import { usePlace } from '../place'
import { address } from '../query'
import { t } from '../words'
import { AboutButton, figureName } from './about'
import { Answered, Note } from './states'

export function Deaf({ figure, filters }: { figure: Figure; filters: Filters }) {
  const unheard = figure.deaf.filter((name) => filters[name] !== '')
  if (unheard.length === 0) return null
  return <span class="deaf">{t('deaf')} {unheard.map((name) => t(name).toLowerCase()).join(', ')}</span>
}

interface Props<T> {
  figure: Figure
  filters?: Filters
  title?: string
  note?: string
  wide?: boolean
  every?: number
  children: (rows: T[]) => ComponentChildren
}

export function FigureCard<T>({ figure, filters, title, note, wide, every, children }: Props<T>) {
  usePlace()
  const asked = useAnswer<T[]>(address(figure.query), every)
  const name = title ?? figureName(figure.id)
  return (
    <section class={`card${wide ? ' wide' : ''}`} aria-label={name}>
      <header>
        <h2>{name}</h2>
        {note && <span class="hint">{note}</span>}
        {filters && <Deaf figure={figure} filters={filters} />}
        <AboutButton figure={figure} name={name} />
      </header>
      <Answered asked={asked} tall empty={(rows) => (rows.length === 0 ? <Note title={t('noData')}><p>{t('noDataHint')}</p></Note> : null)}>
        {children}
      </Answered>
    </section>
  )
}

export interface Bar {
  code: string
  name: string
  value: number
  text: string
  extra?: string
  colour?: string
}
// Bars as a list: each a button where choosing it filters the page.
export function Bars({ bars, chosen, onPick }: { bars: Bar[]; chosen?: string; onPick?: (code: string) => void }) {
  const most = Math.max(...bars.map((b) => b.value), 1)
  return (
    <ul class="bars">
      {bars.map((b) => {
        const inside = (
          <>
            <span class="bar-head"><span>{b.name}</span><b>{b.text}</b>{b.extra && <small>{b.extra}</small>}</span>
            <span class="bar-track" aria-hidden="true"><span style={{ width: `${(100 * b.value) / most}%`, background: `var(${b.colour ?? '--accent'})` }} /></span>
          </>
        )
        return (
          <li key={b.code}>
            {onPick ? <button type="button" class="bar" aria-pressed={chosen === b.code} onClick={() => onPick(b.code)}>{inside}</button> : <div class="bar">{inside}</div>}
          </li>
        )
      })}
    </ul>
  )
}
