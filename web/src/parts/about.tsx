// What a figure means, how it was asked, and its values: one dialog for all figures.
import { useEffect, useRef, useState } from 'preact/hooks'
import { download, embedded, save, useAnswer } from '../api'
import { laws, units, type FigureId } from '../definitions'
import type { Figure } from '../figures'
import { address, sql } from '../query'
import { inLanguage, isWord, number, t } from '../words'
import { Answered } from './states'
import { Table } from './table'

type Row = Record<string, unknown>
let show: ((figure: Figure) => void) | null = null

export function AboutButton({ figure, name }: { figure: Figure; name: string }) {
  return (
    <button type="button" class="about" title={t('about')} aria-label={`${t('about')}: ${name}`} aria-haspopup="dialog" data-figure={figure.id} onClick={() => show?.(figure)}>
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><circle cx="8" cy="8" r="7" fill="none" stroke="currentColor" stroke-width="1.3" /><path d="M8 7v4.5M8 4.3v.9" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" /></svg>
    </button>
  )
}

export const figureName = (id: string): string => (isWord(`f_${id}`) ? t(`f_${id}` as 'f_volume') : id)
const definition = (id: string): string => (isWord(`d_${id}`) ? t(`d_${id}` as 'd_volume') : '')

const csvCell = (value: unknown) => (value === null || value === undefined ? '' : /[",\n]/.test(String(value)) ? `"${String(value).replace(/"/g, '""')}"` : String(value))
function csv(rows: Row[]): string {
  const names = Object.keys(rows[0] ?? {})
  return [names.join(','), ...rows.map((row) => names.map((name) => csvCell(row[name])).join(','))].join('\n') + '\n'
}

function Terms({ id }: { id: FigureId }) {
  const law = laws[id]
  return (
    <dl class="terms">
      <dt>{t('unit')}</dt><dd>{inLanguage(units[id])}</dd>
      {law && <><dt>{t('law')}</dt><dd>{inLanguage(law)}</dd></>}
    </dl>
  )
}

const SHOWN = 50

function About({ figure }: { figure: Figure }) {
  const path = address(figure.query)
  const asked = useAnswer<Row[]>(path)
  const file = `${figure.id}.csv`
  return (
    <>
      <h3>{t('definition')}</h3>
      <p>{definition(figure.id)}</p>
      <Terms id={figure.id as FigureId} />
      <h3>{t('query')}</h3>
      <pre tabindex={0} data-sql>{sql(figure.query)}</pre>
      <p class="hint">{t('queryHint')}</p>
      {!embedded && <p class="hint">{t('api')}: <a href={path} target="_blank" rel="noopener"><code>{path.split('?')[0]}</code></a></p>}
      <Answered asked={asked}>
        {(rows) => (
          <>
            {asked.answer?.run && <p class="hint">{t('run')}: <code>{asked.answer.run}</code></p>}
            <h3>{t('values')} <span class="hint">({number(rows.length)} {t('rows')})</span></h3>
            <p>
              <button type="button" onClick={() => (embedded ? save(new Blob([csv(rows)], { type: 'text/csv' }), file) : void download(path, file))}>{t('csv')}</button>
            </p>
            <Table caption={`${t('values')}: ${figureName(figure.id)}`} rows={rows.slice(0, SHOWN)} columns={Object.keys(rows[0] ?? {}).map((name) => ({ name, label: name, value: (row: Row) => String(row[name] ?? ''), right: typeof rows[0]?.[name] === 'number' }))} />
            {rows.length > SHOWN && <p class="hint">{number(SHOWN)} {t('firstRows')}</p>}
          </>
        )}
      </Answered>
    </>
  )
}

export function AboutDialog() {
  const [figure, set] = useState<Figure | null>(null)
  const dialog = useRef<HTMLDialogElement>(null)
  show = set
  useEffect(() => {
    if (figure && !dialog.current?.open) dialog.current?.showModal()
  }, [figure])
  return (
    <dialog ref={dialog} aria-labelledby="about-title" onClose={() => set(null)} onClick={(e) => e.target === dialog.current && dialog.current?.close()}>
      {figure && (
        <div class="dialog-body">
          <header><h2 id="about-title">{figureName(figure.id)}</h2><button type="button" class="quiet" onClick={() => dialog.current?.close()}>{t('close')}</button></header>
          <About figure={figure} />
        </div>
      )}
    </dialog>
  )
}
