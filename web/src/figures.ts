// The questions behind the figures. A figure that cannot be told by one of the filters says so (`deaf`), in place of showing
// a number that looks filtered. No formula of a KPI stands here: these are sums and counts over published tables.
import { figureWords, laws, units, type FigureId } from './definitions'
import { address, col, count, sql, sum, type Query } from './query'

export interface Filters {
  from: string
  to: string
  before: string // first day of the period that this one is compared with: as long, and just before
  type: string
  channel: string
  department: string
}
export type FilterName = 'type' | 'channel' | 'department'

export interface Figure {
  id: string // of its name and definition in words.ts
  query: Query
  deaf: FilterName[] // filters that the table does not know
}

type Where = Query['where']
// A place that is not known is NULL in a case, "unknown" in what is counted of it.
const placeless = 'unknown'
function whereOf(f: Filters, columns: Partial<Record<FilterName, string>>, deaf: FilterName[]): Where {
  const where: Where = []
  for (const name of ['type', 'channel', 'department'] as const) {
    const column = columns[name]
    if (column === undefined) deaf.push(name)
    else if (columns === caseColumns && name === 'department' && f.department === placeless) where.push([column, 'is', 'null'])
    else if (f[name] !== '') where.push([column, 'eq', f[name]])
  }
  return where
}
const days = (first: string, last: string, column = 'day'): Where => [[column, 'gte', first], [column, 'lte', last]]

function figure(id: string, f: Filters, columns: Partial<Record<FilterName, string>>, question: Omit<Query, 'where'> & { where?: Where }): Figure {
  const deaf: FilterName[] = []
  const where = whereOf(f, columns, deaf)
  return { id, query: { ...question, where: [...(question.where ?? []), ...where] }, deaf }
}

const volumeTable = (f: Filters) => (f.department === '' ? 'kpi_volume_national_daily' : 'kpi_volume_dept_daily')
const volumeColumns = { type: 'pqrs_type', channel: 'channel', department: 'department_name' }
const slaTable = (f: Filters) => (f.department === '' ? 'kpi_sla_daily' : 'kpi_sla_geo_daily')
const caseColumns = { type: 'pqrs_type', channel: 'source_channel', department: 'department_name' }

export const figures = {
  edge: (last: boolean): Figure => ({
    id: 'range', deaf: [],
    query: { schema: 'gold', table: 'kpi_volume_national_daily', select: [col('day')], where: [], order: [last ? 'day.desc' : 'day'], limit: 1 },
  }),
  volume: (f: Filters) =>
    figure('volume', f, volumeColumns, {
      schema: 'gold', table: volumeTable(f), select: [col('day'), col('pqrs_type'), sum('tickets_count', 'n')], where: days(f.before, f.to), order: ['day', 'pqrs_type'],
    }),
  channels: (f: Filters) =>
    figure('channels', f, volumeColumns, {
      schema: 'gold', table: volumeTable(f), select: [col('channel'), sum('tickets_count', 'n')], where: days(f.from, f.to), order: ['channel'],
    }),
  priorities: (f: Filters) =>
    figure('priorities', f, {}, { schema: 'gold', table: 'priority_distribution', select: [col('priority'), sum('tickets_count', 'n')], where: days(f.from, f.to), order: ['priority'] }),
  sla: (f: Filters) =>
    figure('sla', f, { type: 'pqrs_type', department: 'department_name' }, {
      schema: 'gold', table: slaTable(f), select: [col('day'), col('pqrs_type'), sum('closed_count', 'closed'), sum('overdue_count', 'late')], where: days(f.before, f.to), order: ['day', 'pqrs_type'],
    }),
  backlog: (f: Filters) =>
    figure('backlog', f, { type: 'pqrs_type', department: 'region' }, {
      schema: 'gold', table: 'kpi_backlog_daily', select: [col('day'), col('pqrs_type'), sum('backlog_count', 'n')], where: days(f.before, f.to), order: ['day', 'pqrs_type'],
    }),
  age: (f: Filters) =>
    figure('age', f, {}, { schema: 'analytics', table: 'v_tickets_open', select: [col('sla_days_elapsed'), count('n')], order: ['sla_days_elapsed'] }),
  risk: (f: Filters) => figure('risk', f, caseColumns, { schema: '', table: 'cases', select: [col('risk'), count('n')], order: ['risk'] }),
  due: (f: Filters) => figure('due', f, caseColumns, { schema: '', table: 'cases', select: [col('due_on'), col('risk'), count('n')], order: ['due_on', 'risk'] }),
  lateWhere: (f: Filters) =>
    figure('lateWhere', f, caseColumns, { schema: '', table: 'cases', select: [col('department_name'), count('n')], where: [['risk', 'eq', 'overdue']], order: ['department_name'] }),
  lateWhy: (f: Filters) =>
    figure('lateWhy', f, caseColumns, { schema: '', table: 'cases', select: [col('pqrs_type'), col('current_status'), count('n')], where: [['risk', 'eq', 'overdue']], order: ['pqrs_type', 'current_status'] }),
  cases: (f: Filters, question: Pick<Query, 'select' | 'where' | 'anyOf' | 'limit'>) =>
    figure('cases', f, caseColumns, { schema: '', table: 'cases', order: ['due_on', 'external_id'], ...question }),

  geoVolume: (f: Filters, by: 'department_name' | 'dane_city_code') =>
    figure('geoVolume', f, volumeColumns, { schema: 'gold', table: 'kpi_volume_geo_daily', select: [col(by), sum('tickets_count', 'n')], where: days(f.from, f.to), order: [by] }),
  geoSla: (f: Filters, by: 'department_name' | 'dane_city_code') =>
    figure('geoSla', f, { type: 'pqrs_type', department: 'department_name' }, {
      schema: 'gold', table: 'kpi_sla_geo_daily', select: [col(by), sum('closed_count', 'closed'), sum('overdue_count', 'late')], where: days(f.from, f.to), order: [by],
    }),
  geoBacklog: (f: Filters, by: 'department_name' | 'dane_city_code') =>
    figure('geoBacklog', f, { type: 'pqrs_type', department: 'department_name' }, {
      schema: 'gold', table: 'kpi_backlog_geo_daily', select: [col(by), sum('backlog_count', 'n')], where: days(f.to, f.to), order: [by],
    }),

  events: (since: string): Figure => ({
    id: 'events', deaf: [],
    query: { schema: 'realtime', table: 'events_per_minute', select: [col('window_start'), col('event_type'), col('event_count')], where: [['window_start', 'gte', since]], order: ['window_start', 'event_type'] },
  }),
  newest: (): Figure => ({
    id: 'newest', deaf: [],
    query: { schema: 'realtime', table: 'events_per_minute', select: [col('window_start'), col('updated_at')], where: [], order: ['window_start.desc'], limit: 1 },
  }),
  logins: (since: string): Figure => ({
    id: 'logins', deaf: [],
    query: { schema: 'realtime', table: 'logins_per_source', select: [col('window_start'), col('source'), col('login_count')], where: [['window_start', 'gte', since]], order: ['window_start', 'source'] },
  }),
  purchases: (since: string): Figure => ({
    id: 'purchases', deaf: [],
    query: { schema: 'realtime', table: 'purchases_per_minute', select: [col('window_start'), col('purchase_count')], where: [['window_start', 'gte', since]], order: ['window_start'] },
  }),
  daily: (): Figure => ({
    id: 'daily', deaf: [],
    query: { schema: 'gold', table: 'conversion_rate_daily', select: [col('event_date'), col('dau_count'), col('total_purchases'), col('conversion_rate')], where: [], order: ['event_date'] },
  }),
}

// What the executive page asks, in the order in which `pqr report` answers it into the file.
export function executive(f: Filters): Figure[] {
  return [
    figures.volume(f), figures.channels(f), figures.priorities(f), figures.sla(f), figures.backlog(f), figures.age(f),
    figures.risk(f), figures.due(f), figures.lateWhere(f), figures.lateWhy(f),
  ]
}
const open: Filters = { from: '{from}', to: '{to}', before: '{before}', type: '', channel: '', department: '' }
// Every figure with its dates left open, as /api/v1/definitions tells it.
export function definitions(): object[] {
  const all = [
    figures.edge(false), ...executive(open), figures.geoVolume(open, 'department_name'), figures.geoSla(open, 'department_name'), figures.geoBacklog(open, 'department_name'),
    figures.cases(open, { select: [], where: [] }), figures.events('{since}'), figures.newest(), figures.logins('{since}'), figures.purchases('{since}'), figures.daily(),
  ]
  const both = (words: readonly [string, string]) => ({ es: words[0], en: words[1] })
  const missing = Object.keys(units).filter((id) => !all.some((figure) => figure.id === id))
  if (missing.length > 0) throw new Error(`no question of ${missing.join(', ')}`)
  return all.map((figure) => {
    const id = figure.id as FigureId
    const law = laws[id]
    return {
      id, name: both(figureWords[`f_${id}`]), definition: both(figureWords[`d_${id}`]), unit: both(units[id]), law: law ? both(law) : null,
      query: address(figure.query), sql: sql(figure.query),
    }
  })
}

// The first and the last day of all, then the page's own questions with the dates left open.
export function reportRequests(): string[] {
  return [...[figures.edge(false), figures.edge(true)].map((x) => address(x.query)), '/api/v1', ...executive(open).map((x) => address(x.query))]
}
