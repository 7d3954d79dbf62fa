// One question to a published table, said twice from the same words: as the address of the API and as the SQL that a reader may
// run himself. So what is shown under "query" is what was asked.
export type Operator = 'eq' | 'neq' | 'gt' | 'gte' | 'lt' | 'lte' | 'like' | 'ilike' | 'is'

export interface Column {
  name: string
  as?: string
  sum?: boolean
  count?: boolean // of rows; name is not used
}

export interface Query {
  schema: string
  table: string
  select: Column[]
  where: [string, Operator, string][]
  anyOf?: [string, Operator, string][]
  order: string[] // "day", "n.desc"
  limit?: number
  offset?: number
}

export const col = (name: string): Column => ({ name })
export const sum = (name: string, as: string): Column => ({ name, as, sum: true })
export const count = (as: string): Column => ({ name: '', as, count: true })

const LIMIT = 100_000

function selected(c: Column): string {
  const what = c.count ? 'count()' : c.sum ? `${c.name}.sum()` : c.name
  return c.as ? `${c.as}:${what}` : what
}

const escaped = (value: string) => encodeURIComponent(value).replace(/%3A/g, ':').replace(/%2C/g, ',').replace(/%7B/g, '{').replace(/%7D/g, '}')
const quotedValue = (value: string) => (/[,()"]/.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : value)

export function address(q: Query): string {
  const parts: string[] = []
  if (q.select.length > 0) parts.push(`select=${q.select.map(selected).join(',')}`)
  for (const [name, op, value] of q.where) parts.push(`${name}=${op}.${escaped(value)}`)
  if (q.anyOf && q.anyOf.length > 0) parts.push(`or=(${q.anyOf.map(([n, op, v]) => `${n}.${op}.${escaped(quotedValue(v))}`).join(',')})`)
  if (q.order.length > 0) parts.push(`order=${q.order.join(',')}`)
  parts.push(`limit=${q.limit ?? LIMIT}`)
  if (q.offset) parts.push(`offset=${q.offset}`)
  const table = q.schema === '' ? q.table : `${q.schema}/${q.table}`
  return `/api/v1/${table}?${parts.join('&')}`
}

const signs: Record<Operator, string> = { eq: '=', neq: '<>', gt: '>', gte: '>=', lt: '<', lte: '<=', like: 'LIKE', ilike: 'ILIKE', is: 'IS' }
const literal = (value: string) => (/^-?\d+(\.\d+)?$/.test(value) ? value : `'${value.replace(/'/g, "''").replace(/\*/g, '%')}'`)
const condition = (name: string, op: Operator, value: string) => `${name} ${signs[op]} ${op === 'is' ? value.toUpperCase() : literal(value)}`

// Cases are the unanswered tickets of silver, with columns that the API gives them.
const cases: Record<string, string> = {
  risk: "CASE sla_risk WHEN 'OVERDUE' THEN 'overdue' WHEN 'AT_RISK' THEN 'due_soon' ELSE 'open' END",
  due_on: "CAST(sla_due_at AT TIME ZONE 'America/Bogota' AS DATE)",
  days_left: 'CASE WHEN sla_due_at IS NOT NULL THEN (SELECT sla_days_target - sla_days_elapsed FROM gold.tickets_snapshot AS s WHERE s.ticket_id = tickets.ticket_id) END',
}

export function sql(q: Query): string {
  const ofCases = q.table === 'cases'
  const named = (name: string) => (ofCases ? (cases[name] ?? name) : name)
  const grouped = q.select.some((c) => c.sum || c.count)
  const plain = q.select.filter((c) => !c.sum && !c.count)
  const columns = q.select.map((c) => {
    const what = c.count ? 'count(*)' : c.sum ? `sum(${c.name})` : named(c.name)
    const as = c.as ?? (what === c.name ? '' : c.name)
    return as ? `${what} AS ${as}` : what
  })
  const where = [...(ofCases ? ['answered_at IS NULL'] : []), ...q.where.map(([name, op, value]) => condition(named(name), op, value))]
  if (q.anyOf && q.anyOf.length > 0) where.push(`(${q.anyOf.map(([n, op, v]) => condition(n, op, v)).join(' OR ')})`)
  const lines = [`SELECT ${columns.length > 0 ? columns.join(', ') : '*'}`, `FROM ${ofCases ? 'silver.tickets' : `${q.schema}.${q.table}`}`]
  if (where.length > 0) lines.push(`WHERE ${where.join('\n  AND ')}`)
  if (grouped && plain.length > 0) lines.push(`GROUP BY ${plain.map((c) => named(c.name)).join(', ')}`)
  if (q.order.length > 0) lines.push(`ORDER BY ${q.order.map((o) => o.replace(/\.desc$/, ' DESC')).join(', ')}`)
  if (q.limit) lines.push(`LIMIT ${q.limit}${q.offset ? ` OFFSET ${q.offset}` : ''}`)
  return lines.join('\n')
}
