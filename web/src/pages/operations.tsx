// For whoever runs the platform: what ran, how long each stage took, what failed and why, what was kept out, what was made from what.
import { useAnswer } from '../api'
import { Answered, Note } from '../parts/states'
import { Table } from '../parts/table'
import { go, href, usePlace } from '../place'
import { bytes, compact, duration, instant, number, said, t } from '../words'
import { LineageGraph, type Edge } from '../parts/lineage'

export interface Run {
  run_id: string
  workload: string
  status: string
  as_of: string | null
  started_at: string | null
  finished_at: string | null
  executor: string | null
  executed_by: string | null
  version: string | null
  git_sha: string | null
  attempts: number
  date_min: string | null
  date_max: string | null
}
interface Stage {
  stage: string
  ordinal: number
  tasks: number
  us: number
  rows_in: number | null
  rows_out: number | null
  bytes_in: number | null
  bytes_out: number | null
  committed_at: string
}
interface Task {
  stage: string
  task_id: string
  attempt: number
  status: string
  worker: string | null
  started_at: string | null
  finished_at: string | null
  rows_in: number | null
  rows_out: number | null
  error: string | null
}
interface RunDetail extends Run {
  stages: Stage[]
  tasks: Task[]
}
interface Check {
  layer: string
  dataset: string
  check_name: string
  severity: string
  result: string
  value: string | null
  threshold: string | null
  details: string | null
}
interface Rejects {
  counts: { reason: string; n: number }[]
  rows: { reason: string; object: string; line: number; offset: number | null; text: string }[]
}

const tones: Record<string, string> = { SUCCESS: 'good', PASS: 'good', DEGRADED: 'soon', WARN: 'soon', FAILED: 'late', FAIL: 'late', RUNNING: 'busy', PENDING: 'busy' }
export const Status = ({ code }: { code: string }) => <span class={`tag ${tones[code] ?? ''}`}>{said(code)}</span>
const span = (from: string | null, to: string | null): number | null => (from && to ? Date.parse(to) - Date.parse(from) : null)

// ---- one run ---------------------------------------------------------------------------------------------------------------

// A row a stage, a mark a task, all on one scale of time.
function TimeLine({ run }: { run: RunDetail }) {
  const told = new Set(run.tasks.map((task) => task.stage))
  // A stage that is not made of recorded tasks (publishing) is one mark: from its commit back by the time that it took.
  const whole = run.stages.filter((s) => !told.has(s.stage)).map((s): Task => ({ stage: s.stage, task_id: s.stage, attempt: 1, status: 'SUCCESS', worker: null, error: null, rows_in: s.rows_in, rows_out: s.rows_out,
    started_at: new Date(Date.parse(s.committed_at) - s.us / 1000).toISOString(), finished_at: s.committed_at }))
  const tasks = [...run.tasks, ...whole].filter((task) => task.started_at)
  const begin = Math.min(...tasks.map((task) => Date.parse(task.started_at!)), run.started_at ? Date.parse(run.started_at) : Infinity)
  const end = Math.max(...tasks.map((task) => Date.parse(task.finished_at ?? task.started_at!)), run.finished_at ? Date.parse(run.finished_at) : 0)
  if (tasks.length === 0 || !(end > begin)) return null
  const at = (ts: string) => (100 * (Date.parse(ts) - begin)) / (end - begin)
  const order = new Map(run.stages.map((stage) => [stage.stage, stage.ordinal]))
  const names = [...new Set(tasks.map((task) => task.stage))].sort((a, b) => (order.get(a) ?? 99) - (order.get(b) ?? 99))
  return (
    <div class="gantt" role="img" aria-label={`${t('stages')}: ${names.map((name) => `${name} ${duration((run.stages.find((s) => s.stage === name)?.us ?? 0) / 1000)}`).join(', ')}`}>
      {names.map((name) => {
        const lanes: Task[][] = []
        for (const task of tasks.filter((x) => x.stage === name).sort((a, b) => a.started_at!.localeCompare(b.started_at!))) {
          const lane = lanes.find((l) => Date.parse(l.at(-1)!.finished_at ?? l.at(-1)!.started_at!) <= Date.parse(task.started_at!))
          if (lane) lane.push(task)
          else lanes.push([task])
        }
        return (
          <div key={name} class="gantt-stage">
            <span class="gantt-name" title={name}>{name}</span>
            <div class="gantt-lanes">
              {lanes.map((lane, i) => (
                <div key={i} class="gantt-lane">
                  {lane.map((task) => (
                    <span key={`${task.task_id} ${task.attempt}`} class={`gantt-task ${tones[task.status] ?? ''}`} title={`${task.task_id} · ${duration(span(task.started_at, task.finished_at) ?? 0)}${task.worker ? ` · ${task.worker}` : ''}${task.error ? ` · ${task.error}` : ''}`}
                      style={{ left: `${at(task.started_at!)}%`, width: `${Math.max(0.3, at(task.finished_at ?? task.started_at!) - at(task.started_at!))}%` }} />
                  ))}
                </div>
              ))}
            </div>
          </div>
        )
      })}
      <div class="gantt-scale"><span>0</span><span>{duration((end - begin) / 2)}</span><span>{duration(end - begin)}</span></div>
    </div>
  )
}

function Stages({ run }: { run: RunDetail }) {
  const stages = [...run.stages].sort((a, b) => a.ordinal - b.ordinal)
  const of = (name: string) => run.tasks.filter((task) => task.stage === name)
  const failed = run.tasks.filter((task) => task.status === 'FAILED')
  return (
    <>
      <TimeLine run={run} />
      {failed.length > 0 && (
        <Note title={`${number(failed.length)} ${t('failedTasks').toLowerCase()}`} tone="bad">
          <ul>{failed.slice(0, 10).map((task) => <li key={`${task.stage} ${task.task_id} ${task.attempt}`}><code>{task.task_id}</code> ({task.attempt}): {task.error}</li>)}</ul>
        </Note>
      )}
      <Table caption={t('stages')} rows={stages} columns={[
        { name: 'stage', label: t('stage'), value: (s) => s.stage },
        { name: 'tasks', label: t('tasks'), value: (s) => number(s.tasks), right: true },
        { name: 'retries', label: t('retries'), value: (s) => number(of(s.stage).filter((task) => task.attempt > 1).length), right: true },
        { name: 'took', label: t('took'), value: (s) => duration(s.us / 1000), right: true },
        { name: 'in', label: t('rowsIn'), value: (s) => (s.rows_in === null ? '–' : number(s.rows_in)), right: true },
        { name: 'out', label: t('rowsOut'), value: (s) => (s.rows_out === null ? '–' : number(s.rows_out)), right: true },
        { name: 'rate', label: t('throughput'), value: (s) => (s.us > 0 ? `${compact((Math.max(s.rows_in ?? 0, s.rows_out ?? 0) * 1e6) / s.us)} ${t('perSecond')}` : '–'), right: true },
        { name: 'bytes', label: t('size'), value: (s) => bytes(s.bytes_out || s.bytes_in || 0), right: true },
      ]} />
    </>
  )
}

function Quality({ id }: { id: string }) {
  const { params } = usePlace()
  const asked = useAnswer<Check[]>(`/api/v1/runs/${id}/quality`)
  const only = params.get('checks') === 'problems'
  return (
    <section class="card wide" aria-label={t('quality')}>
      <header>
        <h2>{t('quality')}</h2>
        <label class="check"><input type="checkbox" checked={only} onChange={(e) => go('', { checks: e.currentTarget.checked ? 'problems' : null }, true)} />{t('onlyProblems')}</label>
      </header>
      <Answered asked={asked} empty={(rows) => rows.length === 0 && <Note title={t('noData')} />}>
        {(rows) => {
          const layers = [...new Set(rows.map((row) => row.layer))]
          const shown = only ? rows.filter((row) => row.result !== 'PASS') : rows
          const of = (layer: string, result: string) => rows.filter((row) => row.layer === layer && row.result === result).length
          return (
            <>
              <ul class="layers">
                {layers.map((layer) => (
                  <li key={layer}><b>{layer}</b> <span class="tag good">{of(layer, 'PASS')} {t('passed')}</span>
                    {of(layer, 'WARN') > 0 && <span class="tag soon">{of(layer, 'WARN')} {t('warned')}</span>}{of(layer, 'FAIL') > 0 && <span class="tag late">{of(layer, 'FAIL')} {t('failedChecks')}</span>}
                  </li>
                ))}
              </ul>
              {shown.length === 0 ? <Note title={t('allPass')} /> : (
                <Table caption={t('quality')} rows={shown} columns={[
                  { name: 'result', label: t('result'), value: (c) => <Status code={c.result} /> },
                  { name: 'layer', label: t('layer'), value: (c) => c.layer },
                  { name: 'dataset', label: t('table'), value: (c) => c.dataset },
                  { name: 'check', label: t('check'), value: (c) => <><code>{c.check_name}</code>{c.details && <small>{c.details}</small>}</> },
                  { name: 'value', label: t('value'), value: (c) => c.value ?? '–', right: true },
                  { name: 'threshold', label: t('threshold'), value: (c) => c.threshold ?? '–', right: true },
                  { name: 'severity', label: t('severity'), value: (c) => c.severity },
                ]} />
              )}
            </>
          )
        }}
      </Answered>
    </section>
  )
}

function Rejected({ id }: { id: string }) {
  const asked = useAnswer<Rejects>(`/api/v1/runs/${id}/rejects?limit=100`)
  return (
    <section class="card wide" aria-label={t('rejects')}>
      <header><h2>{t('rejects')}</h2></header>
      <Answered asked={asked} empty={(r) => r.counts.length === 0 && r.rows.length === 0 && <Note title={t('noRejects')} />}>
        {(r) => (
          <>
            <ul class="layers">{r.counts.map((c) => <li key={c.reason}><code>{c.reason}</code> <span class="tag soon">{number(c.n)}</span></li>)}</ul>
            <Table caption={t('rejects')} rows={r.rows} columns={[
              { name: 'reason', label: t('reason'), value: (row) => <code>{row.reason}</code> },
              { name: 'object', label: t('object'), value: (row) => <code>{row.object}</code> },
              { name: 'line', label: t('line'), value: (row) => number(row.line), right: true },
              { name: 'text', label: t('text'), value: (row) => <code class="line">{row.text}</code> },
            ]} />
          </>
        )}
      </Answered>
    </section>
  )
}

function Lineage({ id }: { id: string }) {
  const asked = useAnswer<Edge[]>(`/api/v1/runs/${id}/lineage`)
  return (
    <section class="card wide" aria-label={t('lineage')}>
      <header><h2>{t('lineage')}</h2><span class="hint">{t('lineageHint')}</span></header>
      <Answered asked={asked} empty={(rows) => rows.length === 0 && <Note title={t('noData')} />}>
        {(rows) => (
          <>
            <LineageGraph edges={rows} />
            <details>
              <summary>{t('values')}</summary>
              <Table caption={t('lineage')} rows={rows} columns={[
                { name: 'stage', label: t('stage'), value: (e) => e.stage },
                { name: 'input', label: t('input'), value: (e) => <code>{e.input}</code> },
                { name: 'iv', label: t('version'), value: (e) => <code>{(e.input_version ?? '').slice(0, 16)}</code> },
                { name: 'output', label: t('output'), value: (e) => <code>{e.output}</code> },
                { name: 'ov', label: t('version'), value: (e) => <code>{(e.output_version ?? '').slice(0, 16)}</code> },
              ]} />
            </details>
          </>
        )}
      </Answered>
    </section>
  )
}

function OneRun({ id }: { id: string }) {
  const asked = useAnswer<RunDetail>(`/api/v1/runs/${id}`, 10_000)
  return (
    <>
      <section class="card wide" aria-label={`${t('run')} ${id}`}>
        <header><h2>{t('run')} <code>{id.slice(0, 8)}</code></h2>{asked.answer && <Status code={asked.answer.data.status} />}</header>
        <Answered asked={asked} tall>
          {(run) => (
            <>
              <dl class="facts">
                <div><dt>{t('workload')}</dt><dd>{run.workload}</dd></div>
                <div><dt>{t('asOfRun')}</dt><dd>{run.as_of ? instant(run.as_of) : '–'}</dd></div>
                <div><dt>{t('started')}</dt><dd>{run.started_at ? instant(run.started_at, true) : '–'}</dd></div>
                <div><dt>{t('took')}</dt><dd>{span(run.started_at, run.finished_at) === null ? '–' : duration(span(run.started_at, run.finished_at)!)}</dd></div>
                <div><dt>{t('executor')}</dt><dd>{run.executor ?? '–'}</dd></div>
                <div><dt>{t('version')}</dt><dd>{run.version ?? '–'}<small><code>{(run.git_sha ?? '').slice(0, 10)}</code></small></dd></div>
              </dl>
              <Stages run={run} />
            </>
          )}
        </Answered>
      </section>
      <Quality id={id} />
      <Rejected id={id} />
      <Lineage id={id} />
    </>
  )
}

export function Operations() {
  const { params } = usePlace()
  const asked = useAnswer<Run[]>('/api/v1/runs?limit=100', 10_000)
  return (
    <Answered asked={asked} tall empty={(runs) => runs.length === 0 && <Note title={t('noRun')}><p>{t('noRunHint')}</p><pre tabindex={0}>pqr run</pre></Note>}>
      {(runs) => {
        const chosen = params.get('run') ?? runs[0]!.run_id
        return (
          <div class="cards">
            <section class="card wide" aria-label={t('runs')}>
              <header><h2>{t('runs')}</h2><span class="hint">{number(runs.length)}</span></header>
              <Table caption={t('runs')} rows={runs} selected={(run) => run.run_id === chosen} columns={[
                { name: 'run', label: t('run'), value: (run) => <a href={href('', { run: run.run_id })} aria-current={run.run_id === chosen ? 'true' : undefined}><code>{run.run_id.slice(0, 8)}</code></a> },
                { name: 'workload', label: t('workload'), value: (run) => run.workload },
                { name: 'status', label: t('status'), value: (run) => <Status code={run.status} /> },
                { name: 'range', label: t('period'), value: (run) => (run.date_min ? `${run.date_min} – ${run.date_max}` : '–') },
                { name: 'started', label: t('started'), value: (run) => (run.started_at ? instant(run.started_at) : '–') },
                { name: 'took', label: t('took'), value: (run) => (span(run.started_at, run.finished_at) === null ? '–' : duration(span(run.started_at, run.finished_at)!)), right: true },
                { name: 'attempts', label: t('lateTasks'), value: (run) => number(run.attempts), right: true },
              ]} />
            </section>
            <OneRun key={chosen} id={chosen} />
          </div>
        )
      }}
    </Answered>
  )
}
