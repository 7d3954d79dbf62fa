// What there is: tables, their columns, versions and files; and SQL over them, where it is on.
import { useState } from 'preact/hooks'
import { ApiError, ask, useAnswer } from '../api'
import { Bars } from '../parts/card'
import { Answered, Failure, Note } from '../parts/states'
import { Table } from '../parts/table'
import { go, href, usePlace } from '../place'
import { bytes, instant, number, t } from '../words'
import type { Hello } from '../main'

interface TableRow {
  name: string
  layer: string
  workload: string | null
  description: string | null
  rows: number | null
  bytes: number | null
  files: number | null
  version: number | null
  updated_at: string | null
}
interface TableDetail extends TableRow {
  columns: { name: string; type: string; nullable: boolean; key: boolean; unit: string | null; description: string | null }[]
  partitions: string[]
}
interface Version {
  version: number
  at: string | null
  operation: string
  run_id: string | null
  rows: number | null
  bytes: number | null
  files: number | null
}
interface DataFile {
  path: string
  rows: number | null
  bytes: number
}

const orDash = (n: number | null | undefined) => (n === null || n === undefined ? '–' : number(n))

function Schema({ name }: { name: string }) {
  const asked = useAnswer<TableDetail>(`/api/v1/tables/${name}`)
  return (
    <section class="card wide" aria-label={`${t('schema')} ${name}`}>
      <header><h2><code>{name}</code></h2>{asked.answer && <span class="hint">{orDash(asked.answer.data.rows)} {t('rows')} · {bytes(asked.answer.data.bytes ?? 0)}</span>}</header>
      <Answered asked={asked} tall>
        {(table) => (
          <>
            {table.description && <p>{table.description}</p>}
            {table.partitions.length > 0 && <p class="hint">{t('partitions')}: {table.partitions.map((p) => <code key={p}>{p} </code>)}</p>}
            <Table caption={`${t('schema')} ${name}`} rows={table.columns} columns={[
              { name: 'name', label: t('column'), value: (c) => <><code>{c.name}</code>{c.key && <span class="tag">{t('key')}</span>}</> },
              { name: 'type', label: t('dataType'), value: (c) => <code>{c.type}{c.nullable ? '?' : ''}</code> },
              { name: 'description', label: t('description'), value: (c) => <>{c.description ?? ''}{c.unit && <small>{c.unit}</small>}</> },
            ]} />
          </>
        )}
      </Answered>
    </section>
  )
}

function History({ name }: { name: string }) {
  const versions = useAnswer<Version[]>(`/api/v1/tables/${name}/history`)
  const files = useAnswer<DataFile[]>(`/api/v1/tables/${name}/files`)
  return (
    <>
      <section class="card wide" aria-label={`${t('history')} ${name}`}>
        <header><h2>{t('history')}</h2><span class="hint">{t('growth')}</span></header>
        <Answered asked={versions} empty={(rows) => rows.length === 0 && <Note title={t('noData')} />}>
          {(rows) => (
            <>
              {rows.length > 1 && <Bars bars={[...rows].sort((a, b) => a.version - b.version).slice(-20).map((v) => ({ code: String(v.version), name: `${t('version')} ${v.version}`, value: v.rows ?? 0, text: orDash(v.rows) }))} />}
              <Table caption={`${t('history')} ${name}`} rows={rows} columns={[
                { name: 'version', label: t('version'), value: (v) => number(v.version), right: true },
                { name: 'at', label: t('at'), value: (v) => (v.at ? instant(v.at, true) : '–') },
                { name: 'operation', label: t('operation'), value: (v) => v.operation },
                { name: 'run', label: t('run'), value: (v) => (v.run_id ? <a href={href('/operations', { run: v.run_id })}><code>{v.run_id.slice(0, 8)}</code></a> : '–') },
                { name: 'rows', label: t('rows'), value: (v) => orDash(v.rows), right: true },
                { name: 'files', label: t('files'), value: (v) => orDash(v.files), right: true },
                { name: 'bytes', label: t('size'), value: (v) => (v.bytes === null ? '–' : bytes(v.bytes)), right: true },
              ]} />
            </>
          )}
        </Answered>
      </section>
      <section class="card wide" aria-label={`${t('files')} ${name}`}>
        <header><h2>{t('files')}</h2>{files.answer && <span class="hint">{number(files.answer.data.length)}</span>}</header>
        <Answered asked={files} empty={(rows) => rows.length === 0 && <Note title={t('noData')} />}>
          {(rows) => <Table caption={`${t('files')} ${name}`} rows={rows.slice(0, 200)} columns={[
            { name: 'path', label: t('path'), value: (f) => <code>{f.path}</code> },
            { name: 'rows', label: t('rows'), value: (f) => orDash(f.rows), right: true },
            { name: 'bytes', label: t('size'), value: (f) => bytes(f.bytes), right: true },
          ]} />}
        </Answered>
      </section>
    </>
  )
}

interface SqlAnswer {
  columns: { name: string; type: string }[]
  rows: unknown[][]
  truncated: boolean
  seconds: number
}

function Sql() {
  const { params } = usePlace()
  const [text, set] = useState(params.get('sql') ?? 'SELECT pqrs_type, sla_status, count(*) AS tickets\nFROM silver.tickets\nGROUP BY ALL\nORDER BY ALL')
  const [state, setState] = useState<{ answer: SqlAnswer | null; error: ApiError | null; busy: boolean }>({ answer: null, error: null, busy: false })
  const run = async () => {
    go('', { sql: text }, true)
    setState({ answer: null, error: null, busy: true })
    try {
      const response = await ask('/api/v1/sql', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ sql: text, limit: 1000 }) })
      setState({ answer: (await response.json()) as SqlAnswer, error: null, busy: false })
    } catch (e) {
      setState({ answer: null, error: e instanceof ApiError ? e : new ApiError(0, '', String(e)), busy: false })
    }
  }
  const { answer, error, busy } = state
  return (
    <section class="card wide" aria-label={t('sqlPage')}>
      <header><h2>{t('sqlPage')}</h2><span class="hint">{t('sqlHint')}</span></header>
      <form class="sql" onSubmit={(e) => { e.preventDefault(); void run() }}>
        <textarea aria-label={t('query')} rows={6} spellcheck={false} value={text} onInput={(e) => set(e.currentTarget.value)} onKeyDown={(e) => { if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) { e.preventDefault(); void run() } }} />
        <button type="submit" class="primary" disabled={busy || text.trim() === ''}>{busy ? t('loading') : t('execute')}</button>
      </form>
      {error && <Failure error={error} again={() => void run()} />}
      {answer && (
        <>
          <p class="hint" role="status">{number(answer.rows.length)} {t('rows')}{answer.truncated && ` (${t('truncated')})`} · {number(answer.seconds, 3)} {t('seconds')}</p>
          <Table caption={t('sqlPage')} rows={answer.rows} columns={answer.columns.map((c, i) => ({ name: `${i}`, label: <>{c.name} <small>{c.type}</small></>, value: (row: unknown[]) => (row[i] === null ? '∅' : typeof row[i] === 'object' ? JSON.stringify(row[i]) : String(row[i])), right: typeof answer.rows[0]?.[i] === 'number' }))} />
        </>
      )}
    </section>
  )
}

export function Data({ hello }: { hello: Hello | null }) {
  const { params } = usePlace()
  const asked = useAnswer<TableRow[]>('/api/v1/tables')
  const chosen = params.get('table')
  const search = params.get('find') ?? ''
  return (
    <div class="cards">
      <section class="card wide" aria-label={t('tables')}>
        <header><h2>{t('tables')}</h2><label class="field inline"><span>{t('findTable')}</span><input type="search" value={search} onInput={(e) => go('', { find: e.currentTarget.value || null }, true)} /></label></header>
        <Answered asked={asked} tall empty={(rows) => rows.length === 0 && <Note title={t('noRun')}><p>{t('noRunHint')}</p><pre tabindex={0}>pqr run</pre></Note>}>
          {(rows) => (
            <Table caption={t('tables')} selected={(row) => row.name === chosen} rows={rows.filter((row) => row.name.includes(search.toLowerCase()))} columns={[
              { name: 'name', label: t('table'), value: (row) => <a href={href('', { table: row.name })} aria-current={row.name === chosen ? 'true' : undefined}><code>{row.name}</code></a> },
              { name: 'layer', label: t('layer'), value: (row) => <span class={`tag layer-${row.layer}`}>{row.layer}</span> },
              { name: 'rows', label: t('rows'), value: (row) => orDash(row.rows), right: true },
              { name: 'bytes', label: t('size'), value: (row) => (row.bytes === null ? '–' : bytes(row.bytes)), right: true },
              { name: 'version', label: t('version'), value: (row) => orDash(row.version), right: true },
              { name: 'updated', label: t('updated'), value: (row) => (row.updated_at ? instant(row.updated_at) : '–') },
              { name: 'description', label: t('description'), value: (row) => row.description ?? '' },
            ]} />
          )}
        </Answered>
      </section>
      {chosen ? <><Schema key={chosen} name={chosen} />{!chosen.startsWith('raw.') && <History key={`${chosen} history`} name={chosen} />}</> : <section class="card wide" aria-label={t('schema')}><Note title={t('choose')} /></section>}
      {hello && (hello.sql ? <Sql /> : <section class="card wide" aria-label={t('sqlPage')}><header><h2>{t('sqlPage')}</h2></header><Note title={t('sqlOff')} /></section>)}
    </div>
  )
}
