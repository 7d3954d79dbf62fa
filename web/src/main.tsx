// The frame: head, pages, language, theme, keys.
import './style.css'
import { render } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { embedded, forget, setToken, token, useAnswer } from './api'
import { FilterBar, filtersOf, useRange } from './filters'
import { AboutDialog } from './parts/about'
import { Failure, Loading, Note } from './parts/states'
import { current, go, href, usePlace } from './place'
import { Cases } from './pages/cases'
import { Case } from './pages/case'
import { Data } from './pages/data'
import { Executive, NoRun } from './pages/executive'
import { Live } from './pages/live'
import { Operations } from './pages/operations'
import { Territory } from './pages/territory'
import { dateLong, instant, language, localDay, t } from './words'

const pages = ['executive', 'territory', 'cases', 'live', 'operations', 'data'] as const

export interface Hello {
  version: string
  sql: boolean
  auth: { mode: string }
  latest: Record<string, { run_id: string; as_of: string; status: string; finished_at: string } | undefined>
}

const dark = () => {
  const asked = current().params.get('theme')
  return asked === 'dark' || (asked !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
}
function useThemeAndLanguage() {
  const place = usePlace()
  const [printing, setPrinting] = useState(false)
  const isDark = dark() && !printing
  const lang = language()
  useEffect(() => {
    // At once: what is printed is what stands when this returns.
    const before = () => {
      setPrinting(true)
      document.documentElement.dataset.theme = 'light'
      dispatchEvent(new Event('pqr-print'))
    }
    const after = () => setPrinting(false)
    const changed = () => go('', {}, true)
    addEventListener('beforeprint', before)
    addEventListener('afterprint', after)
    const media = matchMedia('(prefers-color-scheme: dark)')
    media.addEventListener('change', changed)
    return () => {
      removeEventListener('beforeprint', before)
      removeEventListener('afterprint', after)
      media.removeEventListener('change', changed)
    }
  }, [])
  document.documentElement.lang = lang
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light'
  useEffect(() => void dispatchEvent(new Event('pqr-theme')), [isDark, lang])
  return place
}

const switchLanguage = () => go('', { lang: language() === 'es' ? 'en' : 'es' }, true)
const switchTheme = () => go('', { theme: dark() ? 'light' : 'dark' }, true)

function Help({ open, close }: { open: boolean; close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [on, set] = useState(shortcuts())
  useEffect(() => {
    if (open && !dialog.current?.open) dialog.current?.showModal()
  }, [open])
  return (
    <dialog ref={dialog} aria-labelledby="help-title" onClose={close}>
      {open && (
        <div class="dialog-body">
          <header><h2 id="help-title">{t('help')}</h2><button type="button" class="quiet" onClick={() => dialog.current?.close()}>{t('close')}</button></header>
          <p>{t('helpKeys')}</p>
          <dl class="keys">
            <dt><kbd>L</kbd></dt><dd>{t('helpL')}</dd>
            <dt><kbd>T</kbd></dt><dd>{t('helpT')}</dd>
            <dt><kbd>1</kbd>–<kbd>6</kbd></dt><dd>{t('helpN')}</dd>
            <dt><kbd>/</kbd></dt><dd>{t('helpSlash')}</dd>
            <dt><kbd>?</kbd></dt><dd>{t('helpHelp')}</dd>
          </dl>
          <label class="check"><input type="checkbox" checked={on} onChange={(e) => { localStorage.setItem('pqr-shortcuts', e.currentTarget.checked ? 'on' : 'off'); set(e.currentTarget.checked) }} />{t('shortcutsOn')}</label>
        </div>
      )}
    </dialog>
  )
}
const shortcuts = () => localStorage.getItem('pqr-shortcuts') !== 'off'

function useKeys(help: () => void) {
  useEffect(() => {
    const press = (e: KeyboardEvent) => {
      const target = e.target as HTMLElement
      if (!shortcuts() || e.ctrlKey || e.metaKey || e.altKey || target.closest('input, textarea, select, dialog')) return
      const page = pages[Number(e.key) - 1]
      if (e.key === 'l' || e.key === 'L') switchLanguage()
      else if (e.key === 't' || e.key === 'T') switchTheme()
      else if (e.key === '?') help()
      else if (page && !embedded) go(`/${page}`)
      else if (e.key === '/' && !embedded) {
        go('/cases')
        setTimeout(() => document.getElementById('search')?.focus())
      } else return
      e.preventDefault()
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [])
}

// Links inside the dashboard change the address without loading the page again.
function follow(e: MouseEvent) {
  const link = (e.target as Element).closest('a')
  if (!link || embedded || e.defaultPrevented || e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey || link.target || link.origin !== location.origin || link.pathname.startsWith('/api')) return
  if (link.hash) return
  e.preventDefault()
  history.pushState(null, '', link.href)
  dispatchEvent(new PopStateEvent('popstate'))
  scrollTo(0, 0)
}

function Page({ page, hello }: { page: string; hello: Hello | null }) {
  const { path, params } = usePlace()
  const filtered = page === 'executive' || page === 'territory' || page === 'cases'
  const { range, asked } = useRange()
  switch (page) {
    case 'live': return <Live />
    case 'operations': return <Operations />
    case 'data': return <Data hello={hello} />
    case 'cases':
      if (path[1]) return <Case id={path[1]} />
  }
  if (!filtered) return <Note title={t('notFound')}><p><a href={href('/executive')}>{t('executive')}</a></p></Note>
  // A tenant's user may see cases, and no figures: of what day they are is told by the run.
  const asOf = hello?.latest['pqrs']?.as_of
  if (!range && asked.error?.status === 403 && page === 'cases' && asOf) {
    const last = localDay(asOf)
    return <Cases f={filtersOf(params, { first: last, last })} last={last} />
  }
  if (!range && asked.error) return asked.error.status === 404 ? <NoRun /> : <Failure error={asked.error} again={asked.again} />
  if (!range) return asked.answer && asked.answer.data.length === 0 ? <NoRun /> : <Loading tall />
  const f = filtersOf(params, range)
  return (
    <>
      {!embedded && <FilterBar range={range} filters={f} />}
      {page === 'executive' && <Executive f={f} range={range} />}
      {page === 'territory' && <Territory f={f} />}
      {page === 'cases' && <Cases f={f} last={range.last} />}
    </>
  )
}

const icons = {
  sun: 'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1',
  moon: 'M13.5 9.8A6 6 0 0 1 6.2 2.5 6 6 0 1 0 13.5 9.8Z',
  print: 'M4 6V2h8v4M4 12H2V6h12v6h-2M4 10h8v4H4Z',
}
const Icon = ({ name }: { name: keyof typeof icons }) => (
  <svg viewBox="0 0 16 16" width="17" height="17" aria-hidden="true"><path d={icons[name]} fill="none" stroke="currentColor" stroke-width="1.4" stroke-linejoin="round" stroke-linecap="round" /></svg>
)

function Foot({ hello }: { hello: Hello | null }) {
  const run = hello?.latest['pqrs']
  return (
    <footer>
      {run && <p>{t('run')} {embedded ? <code>{run.run_id}</code> : <a href={href('/operations', { run: run.run_id })}><code>{run.run_id}</code></a>} · {t('asOf')} {instant(run.as_of)}</p>}
      {token() && hello?.auth.mode !== 'none' && <p><button type="button" class="quiet" onClick={() => setToken('')}>{t('signOut')}</button></p>}
      <p>{embedded ? `${t('made')} ` : ''}PQR Lakehouse {hello?.version ?? ''}</p>
    </footer>
  )
}

// What was answered before another run published is asked again.
function useNewRuns(hello: Hello | null) {
  const runs = hello && JSON.stringify(hello.latest)
  const known = useRef(runs)
  useEffect(() => {
    if (runs === null) return
    if (known.current !== null && known.current !== runs) forget()
    known.current = runs
  }, [runs])
}

function App() {
  const { path } = useThemeAndLanguage()
  const [help, setHelp] = useState(false)
  const hello = useAnswer<Hello>('/api/v1', embedded ? 0 : 60_000).answer?.data ?? null
  useNewRuns(hello)
  const page = path[0] ?? 'executive'
  const known = pages.find((p) => p === page)
  useKeys(() => setHelp(true))
  document.title = `${known ? t(known) : t('notFound')} · PQR Lakehouse`
  return (
    <div class="frame" onClick={follow}>
      <a class="skip" href="#main">{t('skip')}</a>
      <header class="top">
        <a class="brand" href={href('/executive')}>PQR Lakehouse</a>
        {embedded ? <span class="report-period">{t('title')} · {embedded.period.name} · {dateLong(embedded.period.from)} – {dateLong(embedded.period.to)}</span> : (
          <nav aria-label={t('pages')}>
            {pages.map((p) => <a key={p} href={href(`/${p}`)} aria-current={p === page ? 'page' : undefined} ref={p === page ? intoView : null}>{t(p)}</a>)}
          </nav>
        )}
        <div class="tools">
          <button type="button" class="quiet" title={t('otherLanguageHint')} lang={language() === 'es' ? 'en' : 'es'} onClick={switchLanguage}>{t('otherLanguage')}</button>
          <button type="button" class="quiet icon" title={dark() ? t('themeLight') : t('themeDark')} aria-label={dark() ? t('themeLight') : t('themeDark')} onClick={switchTheme}><Icon name={dark() ? 'sun' : 'moon'} /></button>
          <button type="button" class="quiet icon print" title={t('print')} aria-label={t('print')} onClick={() => print()}><Icon name="print" /></button>
          <button type="button" class="quiet icon" title={t('help')} aria-label={t('help')} onClick={() => setHelp(true)}>?</button>
        </div>
      </header>
      <main id="main" tabindex={-1}>
        <h1 class={known === 'executive' ? 'sr' : ''}>{known ? t(known) : t('notFound')}</h1>
        <Page page={page} hello={hello} />
      </main>
      <Foot hello={hello} />
      <AboutDialog />
      <Help open={help} close={() => setHelp(false)} />
    </div>
  )
}

// On a narrow screen the pages scroll sideways: the one that is open stands in view.
const intoView = (link: HTMLElement | null) => link?.parentElement?.scrollTo({ left: link.offsetLeft - 40 })

const root = document.getElementById('app')!
root.replaceChildren()
render(<App />, root)
